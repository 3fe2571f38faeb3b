"""Plots for the report, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from snag.evaluation.curves import precision_recall_points, roc_points
from snag.evaluation.score_histogram import ScoreHistogram
from snag.pages.plots import BAD, GOOD, INK, LIMIT, MUTED, STYLE, dots, svg


def calibration_plot(scores: Sequence[float], threshold: float) -> str:
    """Histogram of the calibration scores, the threshold marked."""
    with mpl.rc_context(STYLE):
        figure = Figure((10.4, 2.3), layout="constrained")
        axes = figure.subplots()
        values = np.array(scores)
        axes.hist(values, bins=_bins(values, threshold, 30), color=GOOD, alpha=0.85)
        _mark_threshold(axes, threshold, label=True)
        axes.set(xlabel="anomaly score of good calibration pictures", ylabel="pictures")
        axes.grid(visible=False, axis="x")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
        return svg(figure, "calibration")


def strip_plot(scores: dict[str, np.ndarray], good: str, threshold: float) -> str:
    """Each picture's score as a dot, one line a class, the threshold across."""
    with mpl.rc_context(STYLE):
        figure = Figure((10.4, 0.7 + 0.46 * len(scores)), layout="constrained")
        axes = figure.subplots()
        labels = [f"{kind} ({len(values)})" for kind, values in scores.items()]
        dots(axes, labels, list(scores.values()), [GOOD if kind == good else BAD for kind in scores])
        _scale(axes, np.concatenate(list(scores.values())), threshold)
        _mark_threshold(axes, threshold)
        axes.set_xlabel("anomaly score")
        return svg(figure, "strip")


def histogram_pair(
    good: Sequence[np.ndarray], bad: Sequence[np.ndarray], ranges: Sequence[np.ndarray], threshold: float, name: str
) -> str:
    """One defect against the good: histograms of the anomaly score (threshold marked) and of the reconstruction error.

    `good`, `bad` and `ranges` hold scores and errors; `ranges` those of all classes, so that all defects share their axes.
    """
    with mpl.rc_context(STYLE):
        figure = Figure((10.4, 1.75), layout="constrained")
        labels = ("anomaly score", "reconstruction error")
        for column, axes in enumerate(figure.subplots(1, 2)):
            mark = threshold if column == 0 else None
            _scale(axes, ranges[column], mark)
            bins = _bins(ranges[column], mark, 36, log=axes.get_xscale() == "log")
            axes.hist(good[column], bins=bins, color=GOOD, alpha=0.55)
            axes.hist(bad[column], bins=bins, color=BAD, alpha=0.6)
            if mark is not None:
                _mark_threshold(axes, mark)
            axes.set_xlabel(labels[column])
            axes.set_ylabel("pictures" if column == 0 else "")
            axes.grid(visible=False, axis="x")
            axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=3))
            if axes.get_xscale() == "linear":
                axes.xaxis.set_major_locator(MaxNLocator(nbins=6))  # errors are small numbers with long labels
        return svg(figure, name)


def roc_plot(histogram: ScoreHistogram, fpr: float, tpr: float) -> str:
    """The ROC curve of pictures and the point at which the calibrated threshold works."""
    with mpl.rc_context(STYLE):
        figure = Figure((5.1, 4.5), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
        axes.plot(*roc_points(histogram.good, histogram.bad), color=BAD, linewidth=1.8, clip_on=False)
        _mark_point(axes, fpr, tpr)
        _unit_square(axes, "false alarm rate", "detection rate")
        return svg(figure, "roc")


def precision_recall_plot(histogram: ScoreHistogram, recall: float, precision: float | None) -> str:
    """The precision-recall curve of pictures; no point where nothing was rejected."""
    with mpl.rc_context(STYLE):
        figure = Figure((5.1, 4.5), layout="constrained")
        axes = figure.subplots()
        share = histogram.bad.sum() / (histogram.bad.sum() + histogram.good.sum())
        axes.axhline(share, color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
        curve_precision, curve_recall = precision_recall_points(histogram.good, histogram.bad)
        axes.plot(
            [0, *curve_recall],
            [curve_precision[0], *curve_precision],
            color=BAD,
            linewidth=1.8,
            clip_on=False,
            drawstyle="steps-pre",
        )
        if precision is not None:
            _mark_point(axes, recall, precision)
        _unit_square(axes, "detection rate (recall)", "precision")
        return svg(figure, "precision-recall")


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1.005), aspect="equal")


def _mark_point(axes: Axes, x: float, y: float) -> None:
    axes.plot([x], [y], marker="o", markersize=8, color=LIMIT, markeredgewidth=0, clip_on=False, zorder=5)
    side, aside = ("right", -9) if x > 0.5 else ("left", 9)
    above = 9 if y < 0.1 else -14
    axes.annotate("threshold", (x, y), (aside, above), textcoords="offset points", ha=side, color=INK)


def _mark_threshold(axes: Axes, threshold: float, label: bool = False) -> None:
    axes.axvline(threshold, color=LIMIT, linewidth=1.6)
    if label:
        axes.annotate(
            "threshold", (threshold, 1), (-5, -3), ("data", "axes fraction"), "offset points", ha="right", va="top", color=INK
        )


def _scale(axes: Axes, values: np.ndarray, threshold: float | None) -> None:
    """A logarithmic axis where positive values span more than a factor of thirty."""
    low, high = _range(values, threshold)
    if low > 0 and high > 30 * low:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")  # the usual one writes mathematics, which is switched off
        axes.xaxis.set_minor_formatter(NullFormatter())


def _bins(values: np.ndarray, threshold: float | None, count: int, log: bool = False) -> Any:
    """Edges over all values; one lies just above the threshold, so that no bar lies on both sides of it."""
    low, high = _range(values, threshold)
    edges = np.geomspace(low, high, count + 1) if log else np.linspace(low, high, count + 1)
    if threshold is not None:
        edges[np.abs(edges - threshold).argmin()] = np.nextafter(threshold, np.inf)
    return np.unique(edges)


def _range(values: np.ndarray, threshold: float | None) -> tuple[float, float]:
    known = [*values, *([] if threshold is None else [threshold])] or [0.0, 1.0]
    low, high = float(min(known)), float(max(known))
    margin = 0.5 * (abs(low) or 1.0) if high <= low else 1e-9 * (high - low)
    return (low, high + margin) if high > low else (low - margin, high + margin)
