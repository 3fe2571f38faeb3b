"""Intervals of 95 %: of an AUROC by its score, of shares by Clopper and Pearson; and what a calibration can promise.

Average precision and the figures of pixels have none. Resampled pictures can't show the mistakes that the sample lacks: of
21 good and 61 defective pictures with a true AUROC of 0.98 a bootstrap's intervals hold it in 83 of 100 samples, and the
average precision in 81; with 24 and 12 pictures in 78 and 75.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scipy import optimize, stats

#: Confidence of every interval in the report.
CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class Interval:
    """Both ends."""

    low: float
    high: float


def auroc_interval(auroc: float, good: int, bad: int) -> Interval | None:
    """Score interval of the AUROC of `good` and `bad` pictures; None where a class is missing.

    It holds every true area from which the one that was found lies at most 1.96 standard deviations away: of the deviation
    under that true area, so that a perfect 1 has an interval too. Newcombe, Statistics in Medicine 25, 2006, 559-573, method 5,
    with the greater of the two numbers where he takes their mean: the mean covers as little as 92 % of skewed scores.
    """
    if not (good and bad) or math.isnan(auroc):
        return None
    return Interval(_least_area(auroc, good, bad), 1.0 - _least_area(1.0 - auroc, good, bad))


def clopper_pearson(hits: int, count: int) -> Interval | None:
    """Exact binomial interval of a share (Clopper and Pearson, Biometrika 26, 1934); None of nothing."""
    if count == 0:
        return None
    interval = stats.binomtest(hits, count).proportion_ci(CONFIDENCE, method="exact")
    return Interval(float(interval.low), float(interval.high))


def realised_rate_interval(calibration_count: int, rank: int) -> Interval:
    """Where the false alarm rate of a threshold at the `rank`-th smallest of n calibration scores really lies.

    Over draws of the calibration pictures it follows Beta(n + 1 - rank, rank) (Vovk, ACML 2012); exact without ties, else high.
    """
    law = stats.beta(calibration_count + 1 - rank, rank)
    tail = (1 - CONFIDENCE) / 2
    return Interval(float(law.ppf(tail)), float(law.ppf(1 - tail)))


def surprise(false_alarms: int, good_count: int, calibration_count: int, rank: int) -> float:
    """Probability of at least so many false alarms among new good pictures if the promise holds (beta-binomial law)."""
    return float(stats.betabinom(good_count, calibration_count + 1 - rank, rank).sf(false_alarms - 1))


def likeness(scores: Sequence[float], calibration_scores: Sequence[float]) -> float:
    """p-value of the two-sample Kolmogorov-Smirnov test: small where good pictures do not score as calibration's did."""
    return float(stats.ks_2samp(scores, calibration_scores).pvalue)


def _least_area(auroc: float, good: int, bad: int) -> float:
    """The lower end. The upper one is its mirror image: the variance is the same for an area and for what it lacks to 1."""
    if auroc <= 0:
        return 0.0
    reach = float(stats.norm.ppf((1 + CONFIDENCE) / 2))

    def too_far(area: float) -> float:
        return auroc - area - reach * math.sqrt(_area_variance(area, good, bad))

    return float(optimize.brentq(too_far, 0.0, min(auroc, 1 - 1e-9)))


def _area_variance(area: float, good: int, bad: int) -> float:
    """Of the area under exponential scores (Hanley and McNeil, Radiology 143, 1982), whichever class has the long tail."""
    others = max(good, bad) - 1
    return area * (1 - area) * (1 + others * ((1 - area) / (2 - area) + area / (1 + area))) / (good * bad)
