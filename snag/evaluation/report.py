"""The report: what was found out about a model, as one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from snag.core.heatmap import LARGEST, LEVEL, USUAL, Scale, coloured, png, scale_of
from snag.evaluation import plots, shift_plots
from snag.evaluation.findings import calibration_findings, groups_finding, preparation_finding, summary_findings
from snag.evaluation.gallery import Exhibit
from snag.evaluation.labelled import GOOD
from snag.evaluation.metrics import METRICS
from snag.evaluation.score_histogram import picture_histogram
from snag.evaluation.shifts import SHIFTS
from snag.evaluation.shortcuts import FEATURE_NAMES
from snag.evaluation.summary import Evaluation
from snag.pages import frame
from snag.pages.data_uri import png_uri
from snag.pages.formats import auroc, ends, percent

_TEMPLATE: Final = Path(__file__).with_name("report.html")


@dataclass(frozen=True)
class FigureTile:
    """One headline figure."""

    title: str
    value: str
    interval: str  #: empty where there is none
    note: str
    is_share: bool


@dataclass(frozen=True)
class Plot:
    """An inline SVG and its heading."""

    title: str
    svg: str


@dataclass(frozen=True)
class GalleryShelf:
    """The gallery of one class."""

    kind: str
    rows: Sequence[tuple[str, Exhibit]]  #: what stands beside it, e.g. "highest score"


@dataclass(frozen=True)
class Legend:
    """The heat maps' colours, and what stands where below them."""

    source: str  #: data URI
    marks: Sequence[tuple[float, str]]  #: percent of the width from the left, text


def render(evaluation: Evaluation) -> str:
    """The whole file's text."""
    calibration, found = evaluation.calibration, evaluation.figures
    return frame.render(
        _TEMPLATE,
        evaluation=evaluation,
        calibration=calibration,
        metrics=METRICS,
        good=GOOD,
        feature_names=FEATURE_NAMES,
        shift_names=SHIFTS,
        choice=preparation_finding(evaluation.artifact.settings),
        memory_weight=evaluation.artifact.settings.get("memory_weight"),
        findings=[(one.mood, one.text) for one in summary_findings(evaluation)],
        tiles=_tiles(evaluation),
        strip=_strip(evaluation),
        calibration_findings=calibration_findings(evaluation),
        groups_finding=groups_finding(evaluation),
        calibration_plot=plots.calibration_plot(calibration.scores, calibration.threshold),
        classes=found.per_class,
        per_defect=found.per_defect,
        refused=sum(row.refused for row in found.per_class.values()),
        histograms=_histograms(evaluation),
        curves=_curves(evaluation),
        shortcuts=found.shortcuts,
        chance=evaluation.shortcut_chance,
        shifts=evaluation.shifts,
        edge_is_judged=evaluation.artifact.settings.get("judges_border", False),
        shift_plot=None if evaluation.shifts is None else shift_plots.shift_plot(evaluation.shifts, evaluation.promise),
        rest=calibration.rest if calibration.rest and calibration.rest.threshold is not None else None,
        shelves=_shelves(evaluation),
        legend=_legend(scale_of(calibration)),
    )


def _tiles(evaluation: Evaluation) -> list[FigureTile]:
    tiles = []
    for name, metric in METRICS.items():
        estimate = evaluation.figures.main[name]
        if estimate.value is not None:
            shown = percent if metric.is_share else auroc
            interval = "" if estimate.interval is None else ends(estimate.interval, shown)
            tiles.append(FigureTile(metric.title, shown(estimate.value), interval, metric.meaning, metric.is_share))
    return sorted(tiles, key=lambda tile: not tile.is_share)


def _strip(evaluation: Evaluation) -> str | None:
    scores = {kind: _values(evaluation, "score", kind) for kind in evaluation.figures.per_class}
    return plots.strip_plot(scores, GOOD, evaluation.calibration.threshold) if scores else None


def _values(evaluation: Evaluation, field: str, kind: str | None = None) -> np.ndarray:
    """Scores or reconstruction errors of the pictures that were not refused, of one class or of all."""
    return np.array(
        [
            getattr(result.verdict, field)
            for result in evaluation.results
            if not result.verdict.reason and kind in (None, result.picture.kind)
        ],
        dtype=float,
    )


def _histograms(evaluation: Evaluation) -> list[Plot]:
    fields = ("score", "reconstruction_error")
    good, ranges = ([_values(evaluation, field, kind) for field in fields] for kind in (GOOD, None))
    plotted = []
    for kind in evaluation.figures.per_defect:
        bad = [_values(evaluation, field, kind) for field in fields]
        svg = plots.histogram_pair(good, bad, ranges, evaluation.calibration.threshold, kind)
        plotted.append(Plot(kind, svg))
    return plotted


def _curves(evaluation: Evaluation) -> list[Plot]:
    found = evaluation.figures
    if found.good is None or not found.bad_count:
        return []
    histogram = picture_histogram(
        np.array([result.picture.is_bad for result in evaluation.results]),
        np.array([result.rank_score for result in evaluation.results]),
    )
    fpr, tpr = found.good.rejected / found.good.count, found.bad_rejected / found.bad_count
    rejected = found.good.rejected + found.bad_rejected
    precision = found.bad_rejected / rejected if rejected else None
    return [
        Plot("ROC", plots.roc_plot(histogram, fpr, tpr)),
        Plot("Precision and recall", plots.precision_recall_plot(histogram, tpr, precision)),
    ]


def _shelves(evaluation: Evaluation) -> list[GalleryShelf]:
    shelves = []
    for kind in evaluation.figures.per_class:
        worst, best = ("highest score", "lowest score") if kind == GOOD else ("lowest score", "highest score")
        gallery = evaluation.gallery
        rows = [(worst, exhibit) for exhibit in gallery.worst(kind)] + [(best, exhibit) for exhibit in gallery.best(kind)]
        if rows:
            shelves.append(GalleryShelf(kind, rows))
    return shelves


def _legend(scale: Scale) -> Legend:
    values = torch.from_numpy(scale.value_at(np.arange(256) / 256)).expand(10, 256)
    marks = (
        (USUAL, f"{scale.usual:.3g}: half of the good parts stay below"),
        (LEVEL, f"{scale.level:.3g}: rejects a part"),
        (LARGEST, f"{scale.largest:.3g}: beyond all good parts"),
    )
    return Legend(png_uri(png(coloured(values, scale))), [(100 * place, text) for place, text in marks])
