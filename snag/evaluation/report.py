"""The report: one HTML file that opens offline, without scripts, fonts or addresses from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from snag import __version__
from snag.core.heatmap import LARGEST, LEVEL, USUAL, Scale, coloured, png, scale_of
from snag.evaluation import plots, shift_plots
from snag.evaluation.findings import (
    FEATURE_NAMES,
    calibration_sentences,
    choice_sentence,
    groups_sentence,
    percent,
    summary_sentences,
)
from snag.evaluation.gallery import Exhibit
from snag.evaluation.intervals import Interval
from snag.evaluation.labelled import GOOD
from snag.evaluation.metrics import METRICS
from snag.evaluation.shifts import SHIFTS
from snag.evaluation.summary import Evaluation
from snag.evaluation.tally import tally_pictures


@dataclass(frozen=True)
class Tile:
    """One headline figure."""

    title: str
    value: str
    interval: str
    note: str
    is_share: bool


@dataclass(frozen=True)
class Plot:
    """An inline SVG and its heading."""

    title: str
    svg: str


@dataclass(frozen=True)
class Shelf:
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
    return _TEMPLATES.get_template("report.html").render(
        evaluation=evaluation,
        calibration=calibration,
        version=__version__,
        choice=choice_sentence(evaluation.artifact.settings),
        findings=[(one.mood, one.text) for one in summary_sentences(evaluation)],
        tiles=_tiles(evaluation),
        strip=_strip(evaluation),
        calibration_sentences=calibration_sentences(evaluation),
        groups_sentence=groups_sentence(evaluation),
        calibration_plot=plots.calibration_plot(calibration.scores, calibration.threshold),
        classes=found.per_class,
        per_defect=found.per_defect,
        refused=sum(row.refused for row in found.per_class.values()),
        histograms=_histograms(evaluation),
        curves=_curves(evaluation),
        shortcuts=found.shortcuts,
        chance=evaluation.shortcut_chance,
        shifts=evaluation.shifts,
        edge_is_judged=evaluation.artifact.settings.get("mode") in ("registered", "whole"),
        shift_plot=None if evaluation.shifts is None else shift_plots.shift_plot(evaluation.shifts, calibration.rate),
        shelves=_shelves(evaluation),
        legend=_legend(scale_of(calibration)),
    )


def _tiles(evaluation: Evaluation) -> list[Tile]:
    exact = {"fpr": evaluation.false_alarms, "tpr": evaluation.detections}
    tiles = []
    for name, metric in METRICS.items():
        estimate = evaluation.figures.main[name]
        if estimate.value is not None:
            shown = percent if metric.is_share else _auroc
            interval = exact.get(name, estimate.interval)
            tiles.append(Tile(metric.title, shown(estimate.value), _ends(interval, shown), metric.meaning, metric.is_share))
    return sorted(tiles, key=lambda tile: not tile.is_share)


def _ends(interval: Interval | None, shown: Callable[[float], str] | None = None) -> str:
    """Both ends; nothing where every resample is alike: an interval of no width would pass for certainty."""
    if interval is None or interval.low == interval.high:
        return "no interval"
    shown = shown or _auroc
    return f"{shown(interval.low)} to {shown(interval.high)}"


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
    tally = tally_pictures(
        np.array([result.picture.is_bad for result in evaluation.results]),
        np.array([result.rank_score for result in evaluation.results]),
    )
    fpr, tpr = found.good.stopped / found.good.count, found.bad_stopped / found.bad_count
    stopped = found.good.stopped + found.bad_stopped
    precision = found.bad_stopped / stopped if stopped else None
    return [
        Plot("ROC", plots.roc_plot(tally, fpr, tpr)),
        Plot("Precision and recall", plots.precision_recall_plot(tally, tpr, precision)),
    ]


def _shelves(evaluation: Evaluation) -> list[Shelf]:
    shelves = []
    for kind in evaluation.figures.per_class:
        worst, best = ("highest score", "lowest score") if kind == GOOD else ("lowest score", "highest score")
        gallery = evaluation.gallery
        rows = [(worst, exhibit) for exhibit in gallery.worst(kind)] + [(best, exhibit) for exhibit in gallery.best(kind)]
        if rows:
            shelves.append(Shelf(kind, rows))
    return shelves


def _legend(scale: Scale) -> Legend:
    values = torch.from_numpy(scale.value_at(np.arange(256) / 256)).expand(10, 256)
    source = "data:image/png;base64," + base64.b64encode(png(coloured(values, scale))).decode()
    marks = (
        (USUAL, f"{scale.usual:.3g}: half of the good parts stay below"),
        (LEVEL, f"{scale.level:.3g}: stops a part"),
        (LARGEST, f"{scale.largest:.3g}: beyond all good parts"),
    )
    return Legend(source, [(100 * place, text) for place, text in marks])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)


def _auroc(value: float | None) -> str:
    """Three decimals; less than perfect is never rounded to 1."""
    if value is None:
        return "-"
    text = f"{value:.3f}"
    return f"{value:.5f}" if text == "1.000" and value < 1 else text


_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters.update(number=_number, percent=percent, share=_share, auroc=_auroc, ends=_ends)
_TEMPLATES.globals.update(percent=percent, feature_names=FEATURE_NAMES, metrics=METRICS, good=GOOD, shift_names=SHIFTS)
