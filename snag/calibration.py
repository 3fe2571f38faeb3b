"""Split conformal calibration: from scores of good pictures to a threshold that keeps a stated false-alarm rate.

The rule, stated once. Sort the n calibration scores; k = n + 1 - floor(rate * (n + 1)); the threshold is the k-th smallest.
A picture is anomalous when its score is greater than the threshold; its p-value is (1 + #{calibration >= score}) / (n + 1).
The two agree, ties included: p <= rate exactly when score > threshold. The floor is taken of the rate as it is written, which
is to say: it is the largest j for which the p-value j / (n + 1), as a float, is at most the rate. (0.29 * 100 is 28.999... in
floats, but the p-value 29 / 100 is 0.29.)

For exchangeable good pictures the probability of a false alarm is then at most `rate` (Vovk et al., Algorithmic Learning in a
Random World, 2005, ch. 4; Bates et al., Annals of Statistics 51(1), 2023, eq. 2).
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Final

from snag.errors import BadArtifact, BadConfig, BadScores, TooFewCalibrationPictures
from snag.files import write_text

SPLIT_CONFORMAL: Final = "split-conformal"
MANUAL: Final = "manual"  #: the threshold was set by hand


@dataclass(frozen=True)
class Calibration:
    """What the threshold was made from, kept whole so that each answer can carry a p-value."""

    scores: tuple[float, ...]  #: sorted ascending, one for each calibration picture
    rate: float  #: the false-alarm rate that was asked for
    threshold: float  #: anomalous means score > threshold
    method: str  #: SPLIT_CONFORMAL or MANUAL
    score_unit: str  #: what one unit of the score means
    artifact: str  #: fingerprint (SHA-256) of the model whose scores these are
    data_digest: str  #: digest of the calibration pictures
    created: str  #: ISO 8601, UTC
    map_level: float | None = None  #: level of the anomaly map where it is not in the score's unit; None: the threshold

    @property
    def count(self) -> int:
        """How many calibration pictures there were."""
        return len(self.scores)


def rank_of_threshold(count: int, rate: float) -> int:
    """k of the rule above, 1-based; k = count + 1 means that no threshold among the scores can keep the rate."""
    if not 0 < rate < 1:
        raise BadConfig(detail=f"the false-alarm rate is {rate}; expected a number between 0 and 1, for example 0.05")
    alarms = math.floor(Fraction(rate) * (count + 1)) + 1
    while alarms / (count + 1) > rate:
        alarms -= 1
    return count + 1 - alarms


def conformal_threshold(scores: Sequence[float], rate: float) -> float:
    """The split conformal threshold of `scores` for `rate`; see the head of this file.

    Raises TooFewCalibrationPictures when the scores can't carry the rate, saying how many would; BadScores when some are no
    finite numbers.
    """
    rank = rank_of_threshold(len(scores), rate)
    if rank > len(scores):
        possible = f"{math.ceil(1e4 / (len(scores) + 1)) / 1e4:g}" if scores else "0.5 with one picture"
        raise TooFewCalibrationPictures(found=len(scores), rate=rate, needed=_fewest(rate), possible=possible)
    if wrong := sum(not math.isfinite(score) for score in scores):
        raise BadScores(count=wrong, total=len(scores))
    return sorted(scores)[rank - 1]


def _fewest(rate: float) -> int:
    """The smallest calibration set that can carry `rate`."""
    count = max(
        1, math.floor(1 / Fraction(rate)) - 2
    )  # a step below what the exact quotient says: 1/3 as a float is less than 1/3
    while rank_of_threshold(count, rate) > count:
        count += 1
    return count


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
        fields = json.loads(path.read_text(encoding="utf-8"))
        count = fields.pop("count")
        level = fields.pop("map_level", None)
        calibration = Calibration(
            scores=tuple(map(_number, fields.pop("scores"))),
            rate=_number(fields.pop("rate")),
            threshold=_number(fields.pop("threshold")),
            map_level=None if level is None else _number(level),
            **fields,
        )
        datetime.fromisoformat(calibration.created)
    except FileNotFoundError as error:
        raise BadArtifact(path=path, detail="there is no calibration; run `make calibrate`") from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise BadArtifact(path=path, detail=f"not a calibration file ({error}); run `make calibrate`") from error
    if problem := _problem(calibration, count):
        raise BadArtifact(path=path, detail=f"{problem}; run `make calibrate`")
    return calibration


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{str(value)[:40]!r} is no finite number")
    return float(value)


def _problem(calibration: Calibration, count: object) -> str | None:
    """Why the file can't be what `write_calibration` wrote, or None."""
    words = (calibration.method, calibration.score_unit, calibration.artifact, calibration.data_digest)
    if not all(isinstance(word, str) for word in words):
        return "its texts are no texts"
    if count != calibration.count or not count or list(calibration.scores) != sorted(calibration.scores):
        return "its scores are not sorted or not complete"
    if not 0 < calibration.rate < 1 or calibration.method not in (SPLIT_CONFORMAL, MANUAL):
        return f"its rate is {calibration.rate}, its method {calibration.method!r}"
    if calibration.method == MANUAL:
        return None
    rank = rank_of_threshold(calibration.count, calibration.rate)
    if rank > calibration.count or calibration.scores[rank - 1] != calibration.threshold:
        return "its threshold is not the one that its scores and rate give; set one by hand with THRESHOLD=<score>"
    return None
