"""Promise: what a calibration told of false alarms, to be held against those that were counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from snag.core.calibration import SPLIT_CONFORMAL, Calibration
from snag.evaluation.intervals import Interval, realised_rate_interval, surprise

#: So many false alarms or more would come once in forty cases: they refute the promise.
_RARE: Final = 0.025


@dataclass(frozen=True)
class Promise:
    """What a split conformal threshold promises."""

    rate: float  #: told: at most this share of good pictures is rejected, on average over calibrations; (n + 1 - k) / (n + 1)
    realised: Interval  #: 95 % of calibrations of this size have their true rate in here
    count: int
    rank: int

    def surprise(self, false_alarms: int, good: int) -> float:
        """Probability of at least so many false alarms if the promise holds."""
        return surprise(false_alarms, good, self.count, self.rank)

    def is_refuted(self, false_alarms: int, good: int) -> bool:
        """Whether so many false alarms speak against it; that they do not says little where there are few good pictures."""
        return self.surprise(false_alarms, good) < _RARE


def promise_of(calibration: Calibration) -> Promise | None:
    """The promise of a calibration, or None where the threshold was set by hand or chosen with defects."""
    if calibration.method != SPLIT_CONFORMAL or calibration.rate is None:
        return None
    count, rank = calibration.count, calibration.rank
    return Promise((count + 1 - rank) / (count + 1), realised_rate_interval(count, rank), count, rank)
