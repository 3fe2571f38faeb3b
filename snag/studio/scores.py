"""The scores that a threshold is chosen by, and what a threshold would do: figures of the functions that calibrate."""

from __future__ import annotations

import csv
import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from snag.core.calibration import Calibration, read_calibration
from snag.core.errors import BadArtifact, TooFewCalibrationPictures
from snag.core.files import sha256_of
from snag.core.guarantee import AVERAGE, Guarantee
from snag.studio.products import Product
from snag.training.calibration.guarantee import promised_threshold

CONFIDENCE: Final = 0.95  #: where a calibration names none
_EDGE: Final = 6  #: pictures shown on either side of the threshold


@dataclass(frozen=True)
class LabelledScore:
    """One labelled picture's score, as the report has it."""

    name: str  #: relative to the data set, as `spelled`
    kind: str
    is_bad: bool
    score: float
    reason: str  #: why it is rejected whatever the threshold, or empty
    group: str = ""  #: camera, tool or shift, or empty


@dataclass(frozen=True)
class ThresholdChoice:
    """What a rate would give."""

    threshold: float | None  #: None: so few pictures can't keep it
    guarantee: Guarantee | None
    why_not: str = ""


@dataclass(frozen=True)
class Detection:
    """What a threshold does to the labelled pictures of one kind."""

    kind: str
    is_bad: bool
    rejected: int
    total: int


def calibration_of(product: Product) -> Calibration | None:
    """The run's calibration, where it was made with the run's model."""
    path, model = product.run / "calibration.json", product.run / "snag.pt"
    try:
        found = _calibration(path, _stamp(path))
        return found if found is not None and found.artifact == _digest(model, _stamp(model)) else None
    except OSError:
        return None


def labelled_scores(product: Product, calibration: Calibration) -> tuple[LabelledScore, ...]:
    """The scores of the labelled pictures, where the report was made with this model; none otherwise."""
    report = product.run / "report"
    try:
        figures = json.loads((report / "metrics.json").read_text())
        if figures["artifact"]["fingerprint"] != calibration.artifact:
            return ()
        return _rows(report / "results.csv", _stamp(report / "results.csv"))
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def confidence_of(calibration: Calibration) -> float:
    """The confidence with which it promises."""
    return calibration.guarantee.confidence if calibration.guarantee else CONFIDENCE


def in_force(calibration: Calibration, rate: float, promise: str) -> bool:
    """Whether this choice is the one that the calibration was made by."""
    return calibration.rate == rate and (calibration.guarantee.kind if calibration.guarantee else AVERAGE) == promise


def choice(calibration: Calibration, rate: float, promise: str) -> ThresholdChoice:
    """The threshold that calibration would set for the rate, and what it would promise: the very function that it calls."""
    try:
        threshold, promised = promised_threshold(calibration.scores, rate, promise, confidence_of(calibration))
        return ThresholdChoice(threshold, promised)
    except TooFewCalibrationPictures as error:
        return ThresholdChoice(None, None, str(error))


def detections(scores: Sequence[LabelledScore], threshold: float, own: Calibration | None = None) -> list[Detection]:
    """By kind, good parts first: how many the threshold rejects, or with `own` the one that it has for each one's group."""
    kinds = sorted({(one.is_bad, one.kind) for one in scores})
    return [
        Detection(kind, is_bad, sum(bool(one.reason) or _above(one, threshold, own) > 0 for one in of_it), len(of_it))
        for is_bad, kind in kinds
        if (of_it := [one for one in scores if one.kind == kind and one.is_bad == is_bad])
    ]


def at_the_edge(
    scores: Sequence[LabelledScore], threshold: float, own: Calibration | None = None
) -> tuple[list[LabelledScore], list[LabelledScore]]:
    """Labelled pictures that only just pass, and that are only just rejected, nearest to the threshold first.

    With `own`, each by the threshold that it has for the picture's group.
    """
    ordered = sorted((one for one in scores if not one.reason), key=lambda one: _above(one, threshold, own))
    place = bisect_right(ordered, 0.0, key=lambda one: _above(one, threshold, own))
    return ordered[max(0, place - _EDGE) : place][::-1], ordered[place : place + _EDGE]


def _above(one: LabelledScore, threshold: float, own: Calibration | None) -> float:
    """How far the score lies above what judges it."""
    return one.score - (own.compared_with(one.group or None).threshold if own else threshold)


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


@lru_cache(maxsize=64)
def _calibration(path: Path, stamp: tuple[int, int]) -> Calibration | None:
    try:
        return read_calibration(path)
    except BadArtifact:
        return None


@lru_cache(maxsize=64)
def _digest(path: Path, stamp: tuple[int, int]) -> str:
    return sha256_of(path)


@lru_cache(maxsize=16)
def _rows(path: Path, stamp: tuple[int, int]) -> tuple[LabelledScore, ...]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return tuple(
            LabelledScore(
                row["path"].removeprefix("'"),
                row["class"],
                row["label"] == "1",
                float(row["score"]),
                row["reason"],
                row["group"].removeprefix("'"),
            )
            for row in csv.DictReader(file)
            if row["score"]
        )
