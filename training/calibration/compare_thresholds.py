"""Thresholds chosen with labelled defects, side by side: Youden's index and least cost, beside the conformal one.

A threshold that is chosen because it does well on some pictures does worse on others. So where a method looks at the pictures,
each is counted as judged by the threshold that the method would have chosen without it (leave one out), and what is said of
false alarms holds for a threshold chosen in any way (`guarantee_of_chosen`). The defects must not be those of the test set, or
the report's figures would be made with what they are meant to check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from snag.core.calibration import COST, SPLIT_CONFORMAL, YOUDEN
from snag.core.threshold_comparison import ThresholdComparison
from snag.training.calibration.guarantee import guarantee_of_chosen

_PARTS: Final = 1000  #: of the line, for which a cost is told


@dataclass(frozen=True)
class Costs:
    """What mistakes cost, in any one currency."""

    miss: float  #: of a defective part that passes
    false_alarm: float  #: of a good part that is rejected
    defect_share: float  #: of the parts on the line, how many are defective

    @property
    def weights(self) -> tuple[float, float]:
        """What a detection rate is worth against a rate of false alarms."""
        return self.defect_share * self.miss, (1 - self.defect_share) * self.false_alarm

    def of(self, miss_rate: float, false_alarm_rate: float) -> float:
        """Of 1,000 parts of the line."""
        miss, false_alarm = self.weights
        return _PARTS * (miss * miss_rate + false_alarm * false_alarm_rate)


def best_threshold(good: np.ndarray, bad: np.ndarray, detection: float, alarm: float) -> float:
    """Where `detection` for each defect rejected less `alarm` for each good picture rejected makes most.

    `good` [n] and `bad` [m] are scores, infinite where a picture is rejected whatever the threshold. Of equally good thresholds
    the one that rejects least; it lies midway to the next score, for what is rejected is the same anywhere in between.
    """
    good, bad = np.sort(good), np.sort(bad)
    levels = np.unique(np.concatenate([good, bad]))
    levels = levels[np.isfinite(levels)]
    if not len(levels):
        return 0.0
    levels = np.concatenate([[np.nextafter(levels[0], -np.inf)], levels])  # the first rejects everything
    detected = len(bad) - np.searchsorted(bad, levels, "right")
    rejected = len(good) - np.searchsorted(good, levels, "right")
    worth = detection * detected - alarm * rejected
    best = len(worth) - 1 - int(np.argmax(worth[::-1]))
    if best in (0, len(levels) - 1):
        return float(levels[best])
    middle = levels[best] + (levels[best + 1] - levels[best]) / 2
    return float(middle if middle < levels[best + 1] else levels[best])  # between neighbours among the floats there is none


def compare_conformal(
    good: Sequence[float], bad: Sequence[float], threshold: float, bound: float, confidence: float, costs: Costs | None
) -> ThresholdComparison:
    """The row of a threshold that no defect had a part in."""
    rejected, missed = sum(score > threshold for score in good), sum(score <= threshold for score in bad)
    return _comparison(SPLIT_CONFORMAL, threshold, (rejected, len(good)), bound, (missed, len(bad)), confidence, costs)


def compare_chosen(
    method: str, good: Sequence[float], bad: Sequence[float], confidence: float, costs: Costs | None
) -> ThresholdComparison:
    """The row of YOUDEN or COST: its threshold from all pictures, its mistakes from thresholds chosen without each."""
    miss, false_alarm = costs.weights if method == COST and costs else (1.0, 1.0)  # equal weights: Youden's index
    # Shares weighed, in whole numbers where the weights are: ties stay ties, also where one picture is left out.
    worth = miss * len(good), false_alarm * len(bad)
    goods, bads = np.array(good), np.array(bad)
    rejected = sum(score > best_threshold(np.delete(goods, i), bads, *worth) for i, score in enumerate(goods))
    missed = sum(score <= best_threshold(goods, np.delete(bads, i), *worth) for i, score in enumerate(bads))
    threshold = best_threshold(goods, bads, *worth)
    bound = guarantee_of_chosen(good, threshold, confidence).bound
    return _comparison(method, threshold, (int(rejected), len(good)), bound, (int(missed), len(bad)), confidence, costs)


def compare_thresholds(
    good: Sequence[float],
    bad: Sequence[float],
    conformal: tuple[float, float] | None,
    confidence: float,
    costs: Costs | None,
) -> tuple[ThresholdComparison, ...]:
    """Every method's row; `conformal` is that threshold and its bound, None where there are too few pictures for it."""
    rows = [compare_conformal(good, bad, *conformal, confidence, costs)] if conformal else []
    rows += [compare_chosen(method, good, bad, confidence, costs) for method in (YOUDEN, COST) if method == YOUDEN or costs]
    return tuple(rows)


def _comparison(
    method: str,
    threshold: float,
    alarms: tuple[int, int],
    bound: float,
    misses: tuple[int, int],
    confidence: float,
    costs: Costs | None,
) -> ThresholdComparison:
    interval = stats.binomtest(*misses).proportion_ci(confidence, method="exact")
    return ThresholdComparison(
        method=method,
        threshold=threshold,
        good=alarms[1],
        rejected=alarms[0],
        false_alarm_bound=bound,
        defects=misses[1],
        missed=misses[0],
        miss_low=float(interval.low),
        miss_high=float(interval.high),
        cost=costs.of(misses[0] / misses[1], alarms[0] / alarms[1]) if costs else None,
    )
