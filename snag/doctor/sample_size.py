"""Sample size: which false-alarm rates the number of good pictures can carry."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Final

from snag.core.calibration import fewest_pictures, next_useful_size, rank_of_threshold
from snag.training.calibration.guarantee import fewest_with_confidence
from snag.training.data.split import calibration_pictures

#: Rates that people ask for.
RATES: Final = (0.1, 0.05, 0.02, 0.01, 0.001)
CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class SampleSize:
    """One rate: calibration pictures that it needs, and different good parts altogether; and what those that are there keep."""

    rate: float
    on_average: int  #: calibration pictures
    with_confidence: int  #: the same, where the rate shall hold with CONFIDENCE for the very set that was drawn
    good: int  #: different good parts for `on_average`
    good_with_confidence: int
    told: float | None  #: the rate that would be told; None: it can't be kept
    better: int  #: different good parts for the next calibration set whose threshold may be a score lower


def lowest_rate(good: int) -> float:
    """The lowest rate that so many different good parts can carry on average."""
    return 1 / (calibration_pictures(good) + 1)


def sample_size(rate: float, good: int) -> SampleSize:
    """What a rate needs, and what `good` different good parts keep of it."""
    average = fewest_pictures(rate)
    confident = fewest_with_confidence(rate, CONFIDENCE)
    kept = calibration_pictures(good)
    alarms = kept + 1 - rank_of_threshold(kept, rate)
    told = alarms / (kept + 1) if alarms else None
    better = _good_for(next_useful_size(kept, rate))
    return SampleSize(rate, average, confident, _good_for(average), _good_for(confident), told, better)


def _good_for(calibration: int) -> int:
    return next(n for n in count(calibration) if calibration_pictures(n) >= calibration)
