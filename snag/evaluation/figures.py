"""Figures: everything that metrics.json holds, computed from results and pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snag.evaluation.intervals import Interval, bootstrap_intervals, clopper_pearson
from snag.evaluation.labelled import GOOD
from snag.evaluation.metrics import METRICS, Metric, number
from snag.evaluation.results import PictureResult
from snag.evaluation.score_histogram import PixelHistogram, ScoreHistogram, picture_histogram
from snag.evaluation.shortcuts import Shortcut, audit

_IMAGE = {name: metric for name, metric in METRICS.items() if metric.level == "image"}
_PIXEL = {name: metric for name, metric in METRICS.items() if metric.level == "pixel"}
_PER_DEFECT = ("image_auroc", "tpr")


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % bootstrap interval; None where it has no meaning."""

    value: float | None
    interval: Interval | None


@dataclass(frozen=True)
class ValueSpread:
    """A column of the per-class table; `std` is the sample's (n - 1), None of one picture."""

    mean: float
    std: float | None
    min: float
    max: float


@dataclass(frozen=True)
class ClassFigures:
    """One kind of picture, the good ones among them."""

    count: int
    rejected: int  #: how many were judged anomalous
    refused: int  #: how many of those for a reason other than their score; left out of both spreads
    score: ValueSpread | None
    reconstruction_error: ValueSpread | None
    rejected_interval: Interval | None  #: Clopper-Pearson, of the share rejected


@dataclass(frozen=True)
class Figures:
    """All figures of one evaluation."""

    main: dict[str, Estimate]  #: by the keys of METRICS
    per_defect: dict[str, dict[str, Estimate]]  #: defect -> image_auroc, tpr
    per_class: dict[str, ClassFigures]
    shortcuts: dict[str, Shortcut]
    pixel_auroc_bound: float | None  #: by how much rounding scores to levels may have moved pixel_auroc

    @property
    def good(self) -> ClassFigures | None:
        """The good pictures' row."""
        return self.per_class.get(GOOD)

    @property
    def bad_count(self) -> int:
        """How many defective pictures were judged."""
        return sum(row.count for kind, row in self.per_class.items() if kind != GOOD)

    @property
    def bad_rejected(self) -> int:
        """How many of them were rejected."""
        return sum(row.rejected for kind, row in self.per_class.items() if kind != GOOD)


def figures(
    results: Sequence[PictureResult],
    pixels: PixelHistogram,
    pixel_kinds: Sequence[str],
    threshold: float,
    resamples: int,
    seed: int,
) -> Figures:
    """Compute all; `pixel_kinds` names the class of each picture in `pixels`. Resampling is within classes."""
    kinds = list(dict.fromkeys(result.picture.kind for result in results))
    image = _image_estimates(results, _IMAGE, threshold, resamples, seed)
    per_defect = {}
    for kind in kinds:
        if kind != GOOD:
            subset = [result for result in results if result.picture.kind in (GOOD, kind)]
            chosen = {name: METRICS[name] for name in _PER_DEFECT}
            per_defect[kind] = _image_estimates(subset, chosen, threshold, resamples, seed)
    return Figures(
        main=image | _pixel_estimates(pixels, pixel_kinds, threshold, resamples, seed),
        per_defect=per_defect,
        per_class={kind: _class_figures([result for result in results if result.picture.kind == kind]) for kind in kinds},
        shortcuts=audit(
            [result.picture.is_bad for result in results],
            [result.raw for result in results],
            [result.normalised for result in results],
        ),
        pixel_auroc_bound=number(pixels.rounding_bound()),
    )


def _image_estimates(
    results: Sequence[PictureResult], metrics: dict[str, Metric], threshold: float, resamples: int, seed: int
) -> dict[str, Estimate]:
    if not results:
        return {name: Estimate(None, None) for name in metrics}
    if any(result.verdict.threshold != threshold for result in results):  # of groups: what is rejected is seen from each's own
        ranking = {name: metric for name, metric in metrics.items() if not metric.is_share}
        margins = [result.rank_score - result.verdict.threshold for result in results]
        rejecting = {name: metric for name, metric in metrics.items() if metric.is_share}
        ranks = [result.rank_score for result in results]
        return {
            **_estimates_by(ranks, results, ranking, threshold, resamples, seed),
            **_estimates_by(margins, results, rejecting, 0.0, resamples, seed),
        }
    return _estimates_by([result.rank_score for result in results], results, metrics, threshold, resamples, seed)


def _estimates_by(
    values: Sequence[float],
    results: Sequence[PictureResult],
    metrics: dict[str, Metric],
    threshold: float,
    resamples: int,
    seed: int,
) -> dict[str, Estimate]:
    is_bad = np.array([result.picture.is_bad for result in results])
    scores = np.array(values)
    strata = [result.picture.kind for result in results]

    def histogram_of(counts: np.ndarray) -> ScoreHistogram:
        return picture_histogram(is_bad, scores, counts)

    intervals = bootstrap_intervals(strata, histogram_of, metrics, threshold, resamples, seed)
    return _estimates(picture_histogram(is_bad, scores), metrics, threshold, intervals)


def _pixel_estimates(
    pixels: PixelHistogram, kinds: Sequence[str], threshold: float, resamples: int, seed: int
) -> dict[str, Estimate]:
    if not pixels.region_count:
        return {name: Estimate(None, None) for name in _PIXEL}
    intervals = bootstrap_intervals(kinds, pixels.by_picture().resampled, _PIXEL, threshold, resamples, seed)
    return _estimates(pixels.total(), _PIXEL, threshold, intervals)


def _estimates(
    histogram: ScoreHistogram, metrics: dict[str, Metric], threshold: float, intervals: dict[str, Interval | None]
) -> dict[str, Estimate]:
    return {name: Estimate(number(metric.compute(histogram, threshold)), intervals[name]) for name, metric in metrics.items()}


def _class_figures(results: Sequence[PictureResult]) -> ClassFigures:
    judged = [result.verdict for result in results if not result.verdict.reason]
    rejected = sum(result.verdict.is_anomaly for result in results)
    return ClassFigures(
        count=len(results),
        rejected=rejected,
        refused=len(results) - len(judged),
        score=_spread([verdict.score for verdict in judged]),
        reconstruction_error=_spread([verdict.reconstruction_error for verdict in judged]),
        rejected_interval=clopper_pearson(rejected, len(results)),
    )


def _spread(values: Sequence[float]) -> ValueSpread | None:
    if not values:
        return None
    array = np.array(values)
    std = float(array.std(ddof=1)) if len(array) > 1 else None
    return ValueSpread(float(array.mean()), std, float(array.min()), float(array.max()))
