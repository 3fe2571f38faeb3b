"""Figures: everything that metrics.json holds, computed from results and pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snag.evaluation.intervals import Interval, clopper_pearson
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
    """A figure, None where it has no meaning, and its 95 % interval, None where none can be stood behind."""

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


def figures(results: Sequence[PictureResult], pixels: PixelHistogram, threshold: float) -> Figures:
    """Compute all."""
    kinds = list(dict.fromkeys(result.picture.kind for result in results))
    per_defect = {}
    for kind in kinds:
        if kind != GOOD:
            subset = [result for result in results if result.picture.kind in (GOOD, kind)]
            per_defect[kind] = _image_estimates(subset, {name: METRICS[name] for name in _PER_DEFECT}, threshold)
    return Figures(
        main=_image_estimates(results, _IMAGE, threshold) | _pixel_estimates(pixels, threshold),
        per_defect=per_defect,
        per_class={kind: _class_figures([result for result in results if result.picture.kind == kind]) for kind in kinds},
        shortcuts=audit(
            [result.picture.is_bad for result in results],
            [result.raw for result in results],
            [result.normalised for result in results],
        ),
        pixel_auroc_bound=number(pixels.rounding_bound()),
    )


def estimate(metric: Metric, histogram: ScoreHistogram, threshold: float, good: int, bad: int) -> Estimate:
    """The metric's value, and its interval with so many good and so many defective pictures where it has one."""
    value = number(metric.compute(histogram, threshold))
    is_bounded = value is not None and metric.interval is not None
    return Estimate(value, metric.interval(value, good, bad) if is_bounded else None)  # type: ignore[arg-type,misc]


def _image_estimates(results: Sequence[PictureResult], metrics: dict[str, Metric], threshold: float) -> dict[str, Estimate]:
    is_bad = np.array([result.picture.is_bad for result in results], dtype=bool)
    bad = int(is_bad.sum())
    ranks = picture_histogram(is_bad, np.array([result.rank_score for result in results]))
    # Groups have thresholds of their own: what is rejected is seen from each picture's.
    margins = picture_histogram(is_bad, np.array([result.rank_score - result.verdict.threshold for result in results]))
    return {
        name: estimate(metric, *((margins, 0.0) if metric.is_share else (ranks, threshold)), len(results) - bad, bad)
        for name, metric in metrics.items()
    }


def _pixel_estimates(pixels: PixelHistogram, threshold: float) -> dict[str, Estimate]:
    if not pixels.region_count:
        return {name: Estimate(None, None) for name in _PIXEL}
    histogram = pixels.total()
    return {name: estimate(metric, histogram, threshold, 0, 0) for name, metric in _PIXEL.items()}


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
