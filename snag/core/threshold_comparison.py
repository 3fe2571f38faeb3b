"""What a way of choosing the threshold costs in rejected good parts and missed defects: a row of the table side by side."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ThresholdComparison:
    """One method's threshold, with what it would do to good pictures and to labelled defects.

    Where a method looks at the very pictures it is counted on, each is judged by a threshold that was chosen without it.
    """

    method: str  #: "split-conformal", "youden" or "cost"
    threshold: float
    good: int  #: calibration pictures
    rejected: int  #: of those, above the threshold: false alarms
    false_alarm_bound: float  #: the true rate of false alarms is at most this, with the calibration's confidence
    defects: int  #: labelled defects
    missed: int  #: of those, not above the threshold
    miss_low: float  #: both ends of the exact interval (Clopper-Pearson) of the rate of misses, at the calibration's confidence
    miss_high: float
    cost: float | None = None  #: of 1,000 parts of the line, where both costs were named

    @property
    def false_alarm_rate(self) -> float:
        """Share of the good pictures rejected."""
        return self.rejected / self.good

    @property
    def miss_rate(self) -> float:
        """Share of the defects not rejected."""
        return self.missed / self.defects
