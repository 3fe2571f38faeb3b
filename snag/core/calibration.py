"""Split conformal calibration: from scores of good pictures to a threshold that keeps a stated false-alarm rate.

The rule, stated once. Sort the n calibration scores; k = n + 1 - floor(rate * (n + 1)); the threshold is the k-th smallest.
A picture is anomalous when its score is greater than the threshold; its p-value is (1 + #{calibration >= score}) / (n + 1).
The two agree, ties included: p <= rate exactly when score > threshold. The floor is taken of the rate as it is written, which
is to say: it is the largest j for which the p-value j / (n + 1), as a float, is at most the rate. (0.29 * 100 is 28.999... in
floats, but the p-value 29 / 100 is 0.29.)

For exchangeable good pictures the probability of a false alarm is then at most `rate` (Vovk et al., Algorithmic Learning in a
Random World, 2005, ch. 4; Bates et al., Annals of Statistics 51(1), 2023, eq. 2). A greater k keeps the rate with a stated
confidence besides (`training/calibration/guarantee.py`). By groups (one camera, one tool) the same holds for each that has
enough pictures, and for the others taken together, the rest, mixed as calibration had them: Mondrian conformal.
"""

from __future__ import annotations

import itertools
import json
import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from snag.core.errors import BadArtifact, BadConfig, BadScores, TooFewCalibrationPictures
from snag.core.files import write_text
from snag.core.group import POOLED, REST, Group
from snag.core.guarantee import AVERAGE, Guarantee, read_guarantee
from snag.core.threshold_comparison import ThresholdComparison

SPLIT_CONFORMAL: Final = "split-conformal"
MANUAL: Final = "manual"  #: the threshold was set by hand
LABELLED: Final = "labelled"  #: people's labels of served pictures suggested it
YOUDEN: Final = "youden"  #: it was chosen with labelled defects: the greatest difference of detections and false alarms
COST: Final = "cost"  #: the same: the least cost of misses and false alarms
METHODS: Final = (SPLIT_CONFORMAL, MANUAL, LABELLED, YOUDEN, COST)


@dataclass(frozen=True)
class Calibration:
    """What the threshold was made from, kept whole so that each answer can carry a p-value."""

    scores: tuple[float, ...]  #: sorted ascending, one for each calibration picture
    rate: float | None  #: the false-alarm rate that was asked for; None: the threshold was not made to keep any
    threshold: float  #: anomalous means score > threshold
    method: str  #: one of METHODS
    score_unit: str  #: what one unit of the score means
    artifact: str  #: fingerprint (SHA-256) of the model whose scores these are
    data_digest: str  #: digest of the calibration pictures
    created: str  #: ISO 8601, UTC
    map_level: float | None = None  #: level of the anomaly map where it is not in the score's unit; None: the threshold
    #: Peaks of the pictures' anomaly maps, sorted ascending, those of refused pictures left out; empty: they are the scores.
    map_peaks: tuple[float, ...] = ()
    guarantee: Guarantee | None = None  #: None: a file from before there was any
    groups: tuple[Group, ...] = ()
    rest: Group | None = None  #: all that belongs to no group with a threshold of its own; None: nothing does, or no groups
    left_out: tuple[str, ...] = ()  #: calibration pictures that a person said are no good parts, by their paths
    comparisons: tuple[ThresholdComparison, ...] = ()  #: the methods side by side, where there were labelled defects
    unchecked: str = ""  #: why it is not known whether training saw these pictures; empty: it did not

    @property
    def count(self) -> int:
        """How many calibration pictures there were."""
        return len(self.scores)

    @property
    def rank(self) -> int:
        """Which of the sorted scores a SPLIT_CONFORMAL threshold is, 1-based. Raises ValueError for any other threshold."""
        if self.rate is None:
            raise ValueError(f"a {self.method} threshold has no rank")
        known = self.guarantee and self.guarantee.rank
        return known or rank_of_threshold(self.count, self.rate)

    def knows(self, group: str) -> bool:
        """Whether there were calibration pictures of that group."""
        return any(group == known.name for known in self.groups)

    def compared_with(self, group: str | None) -> Standard:
        """What judges a picture of `group`: its own threshold and scores, else those of the rest, else the pooled ones."""
        for known in self.groups:
            if known.name == group and known.threshold is not None:
                return Standard(known.name, known.threshold, known, self.rate is not None)
        if group is not None and self.rest is not None and self.rest.threshold is not None:
            return Standard(REST, self.rest.threshold, self.rest, self.rate is not None and self.knows(group))
        return Standard(POOLED, self.threshold, self, self.rate is not None and group is None)


@dataclass(frozen=True)
class Standard:
    """What one picture is compared with."""

    name: str  #: of the group whose threshold it is, or REST or POOLED
    threshold: float
    known: Calibration | Group  #: holds the calibration scores
    is_promised: bool  #: whether the rate is promised: by POOLED for all groups mixed alone, so for none that is named


def rank_of_threshold(count: int, rate: float) -> int:
    """k of the rule above, 1-based; k = count + 1 means that no threshold among the scores can keep the rate.

    Raises BadConfig for a rate that is none.
    """
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
        raise TooFewCalibrationPictures(
            found=len(scores), rate=rate, assurance="", needed=fewest_pictures(rate), possible=possible
        )
    if wrong := sum(not math.isfinite(score) for score in scores):
        raise BadScores(count=wrong, total=len(scores))
    return sorted(scores)[rank - 1]


def fewest_pictures(rate: float) -> int:
    """How many calibration pictures carry a false-alarm rate of `rate` on average, at least."""
    return next_useful_size(0, rate)


def next_useful_size(count: int, rate: float) -> int:
    """The least size from `count` on where (n + 1) * rate passes a whole number, so that all of the rate is kept."""
    alarms = count + 1 - rank_of_threshold(count, rate)
    if count and alarms > count - rank_of_threshold(count - 1, rate):
        return count
    # Begun below what the exact quotient says: 1/3 as a float is less than 1/3.
    first = max(count, math.floor((alarms + 1) / Fraction(rate)) - 3)
    return next(n for n in itertools.count(first) if n + 1 - rank_of_threshold(n, rate) > alarms)


def p_value(score: float, calibration: Calibration | Group) -> float:
    """Share of good pictures, this one counted in, that look at least as anomalous: (1 + #{calibration >= score}) / (n + 1)."""
    at_least = calibration.count - bisect_left(calibration.scores, score)
    return (1 + at_least) / (calibration.count + 1)


def calibration_json(calibration: Calibration) -> str:
    """The file's text: readable, one key a line; what is promised stands there as a sentence too."""
    promise = {"promise": calibration.guarantee.sentence} if calibration.guarantee else {}
    return json.dumps({"count": calibration.count, **promise, **asdict(calibration)}, indent=1, allow_nan=False) + "\n"


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write the file atomically."""
    write_text(path, calibration_json(calibration))


def read_calibration(path: Path) -> Calibration:
    """Read and check a calibration file. Raises BadArtifact, saying what is wrong with it."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        count = fields.pop("count")
        fields.pop("promise", None)  # made anew from the numbers
        calibration = _calibration(fields)
        datetime.fromisoformat(calibration.created)
    except FileNotFoundError as error:
        raise BadArtifact(path=path, detail="there is no calibration; run `make calibrate`") from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise BadArtifact(path=path, detail=f"not a calibration file ({error}); run `make calibrate`") from error
    if problem := _problem(calibration, count):
        raise BadArtifact(path=path, detail=f"{problem}; run `make calibrate`")
    return calibration


def _calibration(fields: dict[str, Any]) -> Calibration:
    """Files from before there were guarantees, groups and comparisons have none, and a rate where none was kept."""
    rate, rest = fields.pop("rate"), fields.pop("rest", None)
    return Calibration(
        rate=_number(rate) if fields["method"] == SPLIT_CONFORMAL else None,
        rest=None if rest is None else _group(rest),
        threshold=_number(fields.pop("threshold")),
        map_level=_number_or_none(fields.pop("map_level", None)),
        map_peaks=tuple(map(_number, fields.pop("map_peaks", ()))),
        left_out=tuple(fields.pop("left_out", ())),
        groups=tuple(_group(group) for group in fields.pop("groups", ())),
        comparisons=tuple(ThresholdComparison(**one) for one in fields.pop("comparisons", ())),
        **_scored(fields),
    )


def _group(fields: dict[str, Any]) -> Group:
    return Group(fields.pop("name"), threshold=_number_or_none(fields.pop("threshold")), **_scored(fields))


def _scored(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that calibration and group share, with their types."""
    scores, promised = tuple(map(_number, fields["scores"])), fields.get("guarantee")
    return {**fields, "scores": scores, "guarantee": promised and read_guarantee(promised, len(scores))}


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{str(value)[:40]!r} is no finite number")
    return float(value)


def _number_or_none(value: object) -> float | None:
    return None if value is None else _number(value)


def _problem(calibration: Calibration, count: object) -> str | None:
    """Why the file can't be what `write_calibration` wrote, or None."""
    names = (calibration.method, calibration.score_unit, calibration.artifact, calibration.data_digest, calibration.unchecked)
    groups = (*calibration.groups, *([calibration.rest] if calibration.rest else ()))
    if not all(isinstance(word, str) for word in (*names, *calibration.left_out, *(group.name for group in groups))):
        return "its texts are no texts"
    every = (calibration.scores, *(group.scores for group in groups))
    if count != calibration.count or any(not scores or list(scores) != sorted(scores) for scores in every):
        return "its scores are not sorted or not complete"
    if list(calibration.map_peaks) != sorted(calibration.map_peaks) or len(calibration.map_peaks) > calibration.count:
        return "its maps' peaks are not sorted or more than its scores"
    rate = calibration.rate
    if (rate is not None and not 0 < rate < 1) or calibration.method not in METHODS:
        return f"its rate is {rate}, its method {calibration.method!r}"
    parts: list[Calibration | Group] = [group for group in groups if group.threshold is not None]
    if rate is not None and not all(_follows(part, rate) for part in (calibration, *parts)):
        return "its threshold is not the one that its scores and rate give; set one by hand with THRESHOLD=<score>"
    return None


def _follows(part: Calibration | Group, rate: float) -> bool:
    """Whether the threshold is the score that the rule names, or a higher one for a rate that is kept with confidence."""
    lowest = rank_of_threshold(part.count, rate)
    rank = (part.guarantee and part.guarantee.rank) or lowest
    usual = part.guarantee is None or part.guarantee.kind == AVERAGE
    return lowest <= rank <= part.count and part.scores[rank - 1] == part.threshold and (rank == lowest or not usual)
