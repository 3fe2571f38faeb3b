"""Figures: everything that metrics.json holds, computed from results and pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snag.evaluation.intervals import Interval, bootstrap_intervals, clopper_pearson
from snag.evaluation.labelled import GOOD
from snag.evaluation.metrics import METRICS, Metric, number
from snag.evaluation.results import Result
from snag.evaluation.shortcuts import Shortcut, audit
from snag.evaluation.tally import PixelTally, Tally, tally_pictures

_IMAGE = {name: metric for name, metric in METRICS.items() if metric.level == "image"}
_PIXEL = {name: metric for name, metric in METRICS.items() if metric.level == "pixel"}
_PER_DEFECT = ("image_auroc", "tpr")


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % bootstrap interval; None where it has no meaning."""

    value: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Spread:
    """A column of the per-class table; `std` is the sample's (n - 1), None of one picture."""

    mean: float
    std: float | None
    min: float
    max: float


@dataclass(frozen=True)
class ClassFigures:
    """One kind of picture, the good ones among them."""

    count: int
    stopped: int  #: how many were judged anomalous
    refused: int  #: how many of those for a reason other than their score; left out of both spreads
    score: Spread | None
    reconstruction_error: Spread | None
    stopped_interval: Interval | None  #: Clopper-Pearson, of the share stopped


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
    def bad_stopped(self) -> int:
        """How many of them were stopped."""
        return sum(row.stopped for kind, row in self.per_class.items() if kind != GOOD)


def figures(
    results: Sequence[Result], pixels: PixelTally, pixel_kinds: Sequence[str], threshold: float, resamples: int, seed: int
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
    results: Sequence[Result], metrics: dict[str, Metric], threshold: float, resamples: int, seed: int
) -> dict[str, Estimate]:
    if not results:
        return {name: Estimate(None, None) for name in metrics}
    if any(result.verdict.threshold != threshold for result in results):  # of groups: what stops is seen from each's own
        ranking = {name: metric for name, metric in metrics.items() if not metric.is_share}
        margins = [result.rank_score - result.verdict.threshold for result in results]
        stopping = {name: metric for name, metric in metrics.items() if metric.is_share}
        ranks = [result.rank_score for result in results]
        return {
            **_estimates_by(ranks, results, ranking, threshold, resamples, seed),
            **_estimates_by(margins, results, stopping, 0.0, resamples, seed),
        }
    return _estimates_by([result.rank_score for result in results], results, metrics, threshold, resamples, seed)


def _estimates_by(
    values: Sequence[float],
    results: Sequence[Result],
    metrics: dict[str, Metric],
    threshold: float,
    resamples: int,
    seed: int,
) -> dict[str, Estimate]:
    is_bad = np.array([result.picture.is_bad for result in results])
    scores = np.array(values)
    strata = [result.picture.kind for result in results]

    def tally_of(counts: np.ndarray) -> Tally:
        return tally_pictures(is_bad, scores, counts)

    intervals = bootstrap_intervals(strata, tally_of, metrics, threshold, resamples, seed)
    return _estimates(tally_pictures(is_bad, scores), metrics, threshold, intervals)


def _pixel_estimates(
    pixels: PixelTally, kinds: Sequence[str], threshold: float, resamples: int, seed: int
) -> dict[str, Estimate]:
    if not pixels.region_count:
        return {name: Estimate(None, None) for name in _PIXEL}
    intervals = bootstrap_intervals(kinds, pixels.by_picture().resampled, _PIXEL, threshold, resamples, seed)
    return _estimates(pixels.total(), _PIXEL, threshold, intervals)


def _estimates(
    tally: Tally, metrics: dict[str, Metric], threshold: float, intervals: dict[str, Interval | None]
) -> dict[str, Estimate]:
    return {name: Estimate(number(metric.compute(tally, threshold)), intervals[name]) for name, metric in metrics.items()}


def _class_figures(results: Sequence[Result]) -> ClassFigures:
    judged = [result.verdict for result in results if not result.verdict.reason]
    stopped = sum(result.verdict.is_anomaly for result in results)
    return ClassFigures(
        count=len(results),
        stopped=stopped,
        refused=len(results) - len(judged),
        score=_spread([verdict.score for verdict in judged]),
        reconstruction_error=_spread([verdict.reconstruction_error for verdict in judged]),
        stopped_interval=clopper_pearson(stopped, len(results)),
    )


def _spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    array = np.array(values)
    std = float(array.std(ddof=1)) if len(array) > 1 else None
    return Spread(float(array.mean()), std, float(array.min()), float(array.max()))
