"""Intervals of 95 %: stratified bootstrap for any metric, Clopper-Pearson for shares, and what a calibration can promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from snag.evaluation.metrics import Metric
from snag.evaluation.score_histogram import ScoreHistogram

#: Confidence of every interval in the report.
CONFIDENCE: Final = 0.95
_CHUNK: Final = 100  #: resamples drawn at a time, so that memory does not grow with their number


@dataclass(frozen=True)
class Interval:
    """Both ends."""

    low: float
    high: float


def bootstrap_intervals(
    strata: Sequence[str],
    histogram_of: Callable[[np.ndarray], ScoreHistogram],
    metrics: dict[str, Metric],
    threshold: float,
    resamples: int,
    seed: int,
) -> dict[str, Interval | None]:
    """Percentile bootstrap over pictures (Efron and Tibshirani 1993, ch. 13), drawn within each stratum, so that the mix stays.

    `histogram_of` maps counts [b, n] (how often each of n pictures is taken) to scores. None where a metric has no meaning.
    A perfect result has the interval [1, 1]: resampling can't show mistakes that did not happen in the sample.
    """
    values: dict[str, list[np.ndarray]] = {name: [] for name in metrics}
    for counts in resample_counts(strata, resamples, seed):
        histogram = histogram_of(counts)
        for name, metric in metrics.items():
            values[name].append(metric.compute(histogram, threshold))
    return {name: _percentiles(np.concatenate(parts)) for name, parts in values.items()}


def resample_counts(strata: Sequence[str], resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each picture is taken in each resample: chunks [b, n], float64; within a stratum the sum is its size."""
    names = np.asarray(strata)
    generator = np.random.default_rng(seed)
    for start in range(0, resamples, _CHUNK):
        counts = np.zeros((min(_CHUNK, resamples - start), len(names)))
        for name in np.unique(names):
            members = np.flatnonzero(names == name)
            draws = generator.multinomial(len(members), np.full(len(members), 1 / len(members)), size=len(counts))
            counts[:, members] = draws
        yield counts


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


def _percentiles(values: np.ndarray) -> Interval | None:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(low), float(high))
