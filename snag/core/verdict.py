"""From a score to a verdict: the one comparison with the threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass

from snag.core.calibration import Calibration, Standard, p_value


@dataclass(frozen=True)
class Verdict:
    """What is said of one picture."""

    is_anomaly: bool
    score: float  #: anomaly score, in the calibration's unit; higher is more anomalous
    threshold: float
    p_value: float  #: share of good pictures that look at least as anomalous
    reconstruction_error: float  #: plain mean squared error between prepared picture and reconstruction
    reason: str | None = None  #: why the picture is anomalous without a look at its surface, e.g. "not_aligned"
    group: str | None = None  #: camera, tool or shift that the request named
    threshold_of: str | None = None  #: whose threshold it is, the group's, "rest" or "pooled"; None where no group was named
    #: Whether that threshold keeps the calibration's rate for this group (of the rest: for its groups mixed as calibration had
    #: them); False for a group that calibration never saw or had too few pictures of. None where no group was named.
    promised: bool | None = None


def judge(
    score: float, reconstruction_error: float, reason: str | None, calibration: Calibration, group: str | None = None
) -> Verdict:
    """Compare `score` with the threshold of its group, of the rest, or of all, whichever `Calibration.compared_with` says.

    Raises ValueError as `judge_by` does.
    """
    return judge_by(calibration.compared_with(group), score, reconstruction_error, reason, group)


def judge_by(
    standard: Standard, score: float, reconstruction_error: float, reason: str | None, group: str | None = None
) -> Verdict:
    """Compare `score` with the threshold of `standard`; a `reason` makes the picture anomalous whatever its score.

    Raises ValueError for a score that is no number: it is not greater than any threshold, and must not pass for a good part.
    """
    if not (math.isfinite(score) and math.isfinite(reconstruction_error)):
        raise ValueError(f"the model's score is {score}, its reconstruction error {reconstruction_error}")
    return Verdict(
        is_anomaly=reason is not None or score > standard.threshold,
        score=score,
        threshold=standard.threshold,
        p_value=p_value(score, standard.known),
        reconstruction_error=reconstruction_error,
        reason=reason,
        group=group,
        threshold_of=None if group is None else standard.name,
        promised=None if group is None else standard.is_promised,
    )
