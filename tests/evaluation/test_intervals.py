"""Intervals: what an AUROC's covers, exact shares, and the law of a calibrated threshold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from snag.core.calibration import conformal_threshold, rank_of_threshold
from snag.evaluation.intervals import (
    auroc_interval,
    clopper_pearson,
    likeness,
    realised_rate_interval,
    surprise,
)
from snag.evaluation.metrics import METRICS
from snag.evaluation.promise import Promise


def _areas(generator: np.random.Generator, good: int, bad: int, auroc: float, tail: str) -> np.ndarray:
    """AUROC of 4,000 samples from a law with this true one: normal scores, or exponential ones where one class has the tail."""
    size, odds = 4000, auroc / (1 - auroc)
    if tail == "none":
        low, high = generator.normal(size=(size, good)), generator.normal(stats.norm.ppf(auroc) * 2**0.5, 1, (size, bad))
    else:
        low, high = generator.exponential(size=(size, good)), generator.exponential(odds, (size, bad))
        if tail == "good":
            low, high = -generator.exponential(odds, (size, good)), -generator.exponential(size=(size, bad))
    return np.array([(one[:, None] > other).mean() for one, other in zip(high, low, strict=True)])


@pytest.mark.parametrize("tail", ["none", "good", "bad"])
@pytest.mark.parametrize("auroc", [0.9, 0.98, 0.995])
@pytest.mark.parametrize(("good", "bad"), [(21, 61), (24, 12)])
def test_the_interval_of_an_auroc_holds_the_true_one(good: int, bad: int, auroc: float, tail: str) -> None:
    """In at least 95 of 100 samples, of skewed scores in nearly as many.

    Percentile bootstraps of normal scores hold it in 93, 83, 70 of 100 (21 and 61 pictures; 0.9, 0.98, 0.995) and 88, 78, 46
    (24 and 12), measured with 300 samples each.
    """
    areas, counts = np.unique(_areas(np.random.default_rng(3), good, bad, auroc, tail), return_counts=True)
    ends = [auroc_interval(float(area), good, bad) for area in areas]

    held = sum(count for end, count in zip(ends, counts, strict=True) if end is not None and end.low <= auroc <= end.high)
    assert held / counts.sum() >= (0.95 if tail == "none" else 0.935)


@pytest.mark.parametrize(("auroc", "good", "bad"), [(1.0, 24, 60), (0.989, 24, 60), (0.5, 3, 1), (0.02, 40, 8), (0.0, 1, 1)])
def test_the_ends_of_an_aurocs_interval_are_where_it_is_two_deviations_away(auroc: float, good: int, bad: int) -> None:
    """The definition, with the variance written out by Hanley and McNeil's sums, each class as large as the larger one."""
    interval = auroc_interval(auroc, good, bad)

    assert interval is not None
    assert 0 <= interval.low <= auroc <= interval.high <= 1
    assert interval.low < interval.high
    for end in (interval.low, interval.high):
        pairs, more = end * (1 - end), max(good, bad) - 1
        sums = more * (end / (2 - end) - end**2) + more * (2 * end**2 / (1 + end) - end**2)
        assert end == auroc or abs(auroc - end) == pytest.approx(1.959964 * np.sqrt((pairs + sums) / (good * bad)), rel=1e-5)


@pytest.mark.parametrize(("auroc", "good", "bad"), [(0.9, 0, 10), (0.9, 10, 0), (float("nan"), 10, 10)])
def test_an_auroc_without_both_classes_has_no_interval(auroc: float, good: int, bad: int) -> None:
    assert auroc_interval(auroc, good, bad) is None


def test_average_precision_and_figures_of_pixels_have_no_interval() -> None:
    """A bootstrap's would be too narrow; what has one is the AUROC of pictures and shares of them."""
    found = {name: metric.interval and metric.interval(1.0, 24, 60) for name, metric in METRICS.items()}

    assert {name for name, interval in found.items() if interval} == {"image_auroc", "tpr", "fpr"}
    assert found["tpr"] == clopper_pearson(60, 60)
    assert found["fpr"] == clopper_pearson(24, 24)


@pytest.mark.parametrize(("hits", "count"), [(0, 21), (1, 21), (54, 61), (61, 61)])
def test_clopper_pearson_is_where_the_binomial_tails_hold_a_fortieth(hits: int, count: int) -> None:
    """The definition: at each end so many or more, or so few or fewer, have probability 0.025."""
    interval = clopper_pearson(hits, count)

    assert interval is not None
    assert stats.binom.sf(hits - 1, count, interval.low) == pytest.approx(0.025) if hits else interval.low == 0
    assert stats.binom.cdf(hits, count, interval.high) == pytest.approx(0.025) if hits < count else interval.high == 1


def test_nothing_has_no_interval() -> None:
    """A share of no pictures."""
    assert clopper_pearson(0, 0) is None


def test_realised_rates_follow_the_stated_law() -> None:
    """Thresholds from 60 uniform scores: the true rate, 1 - threshold, lies in the interval 95 times in 100."""
    generator = np.random.default_rng(4)
    interval = realised_rate_interval(60, rank_of_threshold(60, 0.05))

    rates = np.array([1 - conformal_threshold(generator.random(60).tolist(), 0.05) for _ in range(4000)])

    assert np.mean((rates >= interval.low) & (rates <= interval.high)) == pytest.approx(0.95, abs=0.012)
    assert rates.mean() <= 0.05


def test_surprise_is_the_share_of_calibrations_with_so_many_false_alarms() -> None:
    """Simulated: at least 4 of 21 new good pictures above a 5 % threshold from 60."""
    generator = np.random.default_rng(6)
    alarms = [(generator.random(21) > conformal_threshold(generator.random(60).tolist(), 0.05)).sum() for _ in range(8000)]

    assert surprise(0, 21, 60, 58) == 1.0
    assert surprise(4, 21, 60, rank_of_threshold(60, 0.05)) == pytest.approx(np.mean(np.array(alarms) >= 4), abs=0.006)


def test_likeness_is_small_for_shifted_scores_alone() -> None:
    """Two draws of one law, and two of different ones."""
    generator = np.random.default_rng(8)
    calibration, same, other = generator.normal(size=60), generator.normal(size=30), generator.normal(1.5, 1, 30)

    assert likeness(same, calibration) > 0.05
    assert likeness(other, calibration) < 1e-4


def test_a_promise_that_few_pictures_do_not_refute_may_be_broken_all_the_same() -> None:
    """21 good pictures of a true rate of 15 %: in 8 of 10 cases so few are rejected that 4.6 % is not refuted."""
    promise = Promise(64, 62)
    passing = [count for count in range(22) if not promise.is_refuted(count, 21)]

    assert passing == [0, 1, 2, 3, 4]
    assert stats.binom.cdf(max(passing), 21, 0.15) == pytest.approx(0.80, abs=0.01)
