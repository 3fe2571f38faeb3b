"""Split conformal calibration: from scores of good pictures to a threshold that keeps a stated false-alarm rate.

The rule, stated once. Sort the n calibration scores; k = n + 1 - floor(rate * (n + 1)); the threshold is the k-th smallest.
A picture is anomalous when its score is greater than the threshold; its p-value is (1 + #{calibration >= score}) / (n + 1).
The two agree, ties included: p <= rate exactly when score > threshold. For exchangeable good pictures the probability of a
false alarm is then at most `rate` (Vovk et al., Algorithmic Learning in a Random World, 2005, ch. 4; Bates et al., Annals of
Statistics 51(1), 2023, eq. 2).
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from snag.errors import BadArtifact, BadConfig, TooFewCalibrationPictures
from snag.files import write_text


@dataclass(frozen=True)
class Calibration:
    """What the threshold was made from, kept whole so that each answer can carry a p-value."""

    scores: tuple[float, ...]  #: sorted ascending, one for each calibration picture
    rate: float  #: the false-alarm rate that was asked for
    threshold: float  #: anomalous means score > threshold
    method: str  #: "split-conformal", or "manual" where the threshold was set by hand
    score_unit: str  #: what one unit of the score means
    artifact: str  #: fingerprint (SHA-256) of the model whose scores these are
    data_digest: str  #: digest of the calibration pictures
    created: str  #: ISO 8601, UTC

    @property
    def count(self) -> int:
        """How many calibration pictures there were."""
        return len(self.scores)


def rank_of_threshold(count: int, rate: float) -> int:
    """k of the rule above, 1-based; k = count + 1 means that no threshold among the scores can keep the rate.

    The floor is taken of the rate as it is written: 0.29 * 100 is 28.999... in floats, but 29 here.
    """
    if not 0 < rate < 1:
        raise BadConfig(detail=f"the false-alarm rate is {rate}; expected a number between 0 and 1, for example 0.05")
    return count + 1 - math.floor(Fraction(repr(rate)) * (count + 1))


def conformal_threshold(scores: Sequence[float], rate: float) -> float:
    """The split conformal threshold of `scores` for `rate`; see the head of this file.

    Raises TooFewCalibrationPictures when the scores can't carry the rate, saying how many would.
    """
    rank = rank_of_threshold(len(scores), rate)
    if rank > len(scores):
        needed = math.ceil(1 / Fraction(repr(rate))) - 1
        possible = f"{math.ceil(1e4 / (len(scores) + 1)) / 1e4:g}"
        raise TooFewCalibrationPictures(found=len(scores), rate=rate, needed=needed, possible=possible)
    return sorted(scores)[rank - 1]


def p_value(score: float, calibration: Calibration) -> float:
    """Share of good pictures, this one counted in, that look at least as anomalous: (1 + #{calibration >= score}) / (n + 1)."""
    at_least = calibration.count - bisect_left(calibration.scores, score)
    return (1 + at_least) / (calibration.count + 1)


def calibration_json(calibration: Calibration) -> str:
    """The file's text: readable, one key a line."""
    return json.dumps({"count": calibration.count, **asdict(calibration)}, indent=1, allow_nan=False) + "\n"


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write the file atomically."""
    write_text(path, calibration_json(calibration))


def read_calibration(path: Path) -> Calibration:
    """Read and check a calibration file. Raises BadArtifact, saying what is wrong with it."""
    try:
        fields = json.loads(path.read_text())
        count = fields.pop("count")
        scores = tuple(float(score) for score in fields.pop("scores"))
        calibration = Calibration(scores=scores, **fields)
        sound = count == len(scores) > 0 and list(scores) == sorted(scores) and math.isfinite(calibration.threshold)
    except FileNotFoundError as error:
        raise BadArtifact(path=path, detail="there is no calibration; run `make calibrate`") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadArtifact(path=path, detail=f"not a calibration file ({error}); run `make calibrate`") from error
    if not sound:
        raise BadArtifact(path=path, detail="its scores are not sorted or not complete; run `make calibrate`")
    return calibration
