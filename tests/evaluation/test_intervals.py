"""Intervals: the bootstrap's draws and coverage, exact shares, and the law of a calibrated threshold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from snag.core.calibration import conformal_threshold, rank_of_threshold
from snag.evaluation.intervals import (
    Interval,
    bootstrap_intervals,
    clopper_pearson,
    likeness,
    realised_rate_interval,
    resample_counts,
    surprise,
)
from snag.evaluation.metrics import METRICS
from snag.evaluation.score_histogram import picture_histogram


def test_resamples_keep_the_size_of_each_stratum() -> None:
    """Whatever the order of its members; and the same seed draws the same."""
    strata = ["good", "a", "good", "b", "a", "good"]

    counts = np.concatenate(list(resample_counts(strata, 250, seed=7)))

    assert counts.shape == (250, 6)
    assert np.array_equal(counts[:, [0, 2, 5]].sum(1), np.full(250, 3))
    assert np.array_equal(counts[:, [1, 4]].sum(1), np.full(250, 2))
    assert np.array_equal(counts[:, 3], np.ones(250))
    assert np.array_equal(counts, np.concatenate(list(resample_counts(strata, 250, seed=7))))


def test_the_bootstrap_equals_one_made_picture_by_picture() -> None:
    """Counts on tallies are the same as copying the drawn pictures and computing anew."""
    generator = np.random.default_rng(2)
    labels = np.arange(40) < 25
    scores = np.round(generator.normal(size=40) + labels, 1)
    strata = ["bad" if label else "good" for label in labels]

    found = bootstrap_intervals(strata, lambda counts: picture_histogram(labels, scores, counts), METRICS, 0.5, 200, seed=1)

    values = []
    for counts in np.concatenate(list(resample_counts(strata, 200, seed=1))).astype(int):
        histogram = picture_histogram(np.repeat(labels, counts), np.repeat(scores, counts))
        values.append([float(metric.compute(histogram, 0.5)) for metric in METRICS.values()])
    expected = np.quantile(values, [0.025, 0.975], axis=0)
    assert np.allclose([[interval.low, interval.high] for interval in found.values()], expected.T)  # type: ignore[union-attr]


def test_the_bootstrap_interval_covers_the_true_value() -> None:
    """Normal scores one deviation apart have AUROC 0.760; 95 % intervals hold it in at least 90 % of 200 samples of 60."""
    generator = np.random.default_rng(5)
    truth = stats.norm.cdf(1 / np.sqrt(2))
    labels = np.arange(60) < 30
    auroc = {"image_auroc": METRICS["image_auroc"]}
    hits = 0
    for _ in range(200):
        scores = generator.normal(size=60) + labels
        interval = bootstrap_intervals(
            ["x"] * 30 + ["y"] * 30, lambda counts, s=scores: picture_histogram(labels, s, counts), auroc, 0, 200, seed=0
        )["image_auroc"]
        hits += interval is not None and interval.low <= truth <= interval.high

    assert 0.9 <= hits / 200 <= 0.985


def test_a_metric_without_meaning_has_no_interval() -> None:
    """Only good pictures: AUROC has none, the false alarm rate has."""
    scores = np.array([0.0, 1.0])

    found = bootstrap_intervals(
        ["good"] * 2, lambda counts: picture_histogram(np.zeros(2, bool), scores, counts), METRICS, 0.5, 100, 0
    )

    assert found["image_auroc"] is None
    assert found["fpr"] == Interval(0.0, 1.0)


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
