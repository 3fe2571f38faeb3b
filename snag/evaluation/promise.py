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

    count: int  #: n calibration scores
    rank: int  #: k: the threshold is the k-th smallest

    @property
    def rate(self) -> float:
        """At most this share of good pictures is rejected, on average over calibrations: (n + 1 - k) / (n + 1)."""
        return (self.count + 1 - self.rank) / (self.count + 1)

    @property
    def realised(self) -> Interval:
        """95 % of calibrations of this size have their true rate in here."""
        return realised_rate_interval(self.count, self.rank)

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
    return Promise(calibration.count, calibration.rank)
