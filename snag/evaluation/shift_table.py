"""The shift table: how AUROC, false alarms and detections stand at the shipped threshold when the line changes.

Each shift is applied to every picture, good and defective, and the pictures are scored as the server would score them ("on").
Shifts of light are scored a second time with the exposure that was measured before the shift ("off"): the same networks, what
they would see if exposure were not taken out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snag.core.artifact import Artifact
from snag.core.calibration import Calibration
from snag.core.errors import SnagError
from snag.evaluation.figures import Estimate, estimate
from snag.evaluation.intervals import Interval, clopper_pearson
from snag.evaluation.labelled import LabelledPicture, read_picture
from snag.evaluation.metrics import METRICS
from snag.evaluation.promise import promise_of
from snag.evaluation.score_histogram import picture_histogram
from snag.evaluation.shifts import SHIFTS, Shift, shifted


@dataclass(frozen=True)
class ShiftOutcome:
    """How the model stands under one shift."""

    auroc: Estimate
    false_alarms: int
    detections: int
    fpr: float | None
    fpr_interval: Interval | None  #: Clopper-Pearson, as the next
    tpr: float | None
    tpr_interval: Interval | None
    #: Whether so many false alarms would be a surprise (2.5 %) if the promise held; None where nothing is promised. That they
    #: are none proves little: of 21 good pictures a true rate of 15 % is no surprise at 4.6 % in eight of ten cases.
    is_refuted: bool | None


@dataclass(frozen=True)
class ShiftRow:
    """One shift by one amount."""

    name: str
    amount: float
    on: ShiftOutcome
    off: ShiftOutcome | None  #: None where exposure has no part in it


@dataclass(frozen=True)
class ShiftTable:
    """All shifts, and the pictures as they were taken."""

    good: int
    bad: int
    as_taken: ShiftOutcome
    rows: Sequence[ShiftRow]

    def of(self, name: str) -> list[ShiftRow]:
        """The rows of one shift, amounts rising."""
        return [row for row in self.rows if row.name == name]


@dataclass
class ShiftScores:
    """Rank scores (infinite for a picture that was refused) of the same pictures under each shift."""

    pictures: list[LabelledPicture] = field(default_factory=list)
    as_taken: list[float] = field(default_factory=list)
    on: dict[tuple[str, float], list[float]] = field(default_factory=dict)
    off: dict[tuple[str, float], list[float]] = field(default_factory=dict)


def chosen_pictures(pictures: Sequence[LabelledPicture], most: int) -> list[LabelledPicture]:
    """At most `most` good and as many defective pictures (0: all), spread evenly over their order, which is by defect."""
    classes = [[picture for picture in pictures if picture.is_bad == is_bad] for is_bad in (False, True)]
    picked = []
    for members in classes:
        count = min(most or len(members), len(members))
        picked += [members[len(members) * place // count] for place in range(count)]
    return picked


def score_shifts(artifact: Artifact, pictures: Iterable[LabelledPicture]) -> ShiftScores:
    """Score every picture under every shift; those that can't be read are left out."""
    found = ShiftScores()
    for seed, picture in enumerate(pictures):
        try:
            pixels = read_picture(picture.path, artifact.limits)
        except SnagError:
            continue
        found.pictures.append(picture)
        found.as_taken += _scores(artifact, [pixels])
        for name, shift in SHIFTS.items():
            changed = [shifted(pixels, shift, amount, seed) for amount in shift.amounts]
            _note(found.on, name, shift, _scores(artifact, changed))
            if shift.is_light and hasattr(artifact.script, "prepare_like"):  # older models can't be asked
                _note(found.off, name, shift, score_with_exposure_of(artifact, changed, pixels))
    return found


def shift_table(scores: ShiftScores, calibration: Calibration) -> ShiftTable:
    """The figures of each row, with their intervals."""

    def outcome(values: list[float]) -> ShiftOutcome:
        return _outcome(values, scores.pictures, calibration)

    rows = [
        ShiftRow(*shift, outcome(values), outcome(scores.off[shift]) if shift in scores.off else None)
        for shift, values in scores.on.items()
    ]
    bad = sum(picture.is_bad for picture in scores.pictures)
    return ShiftTable(len(scores.pictures) - bad, bad, outcome(scores.as_taken), rows)


def shifts_json(table: ShiftTable) -> dict[str, Any]:
    """The table as it stands in metrics.json."""
    return {
        "good": table.good,
        "bad": table.bad,
        "as_taken": _outcome_json(table.as_taken),
        **{
            name: [
                {"amount": row.amount, "on": _outcome_json(row.on), "off": None if row.off is None else _outcome_json(row.off)}
                for row in table.of(name)
            ]
            for name in SHIFTS
        },
    }


def _note(table: dict[tuple[str, float], list[float]], name: str, shift: Shift, scores: list[float]) -> None:
    for amount, score in zip(shift.amounts, scores, strict=True):
        table.setdefault((name, amount), []).append(score)


def _scores(artifact: Artifact, pictures: list[Tensor]) -> list[float]:
    return [math.inf if found.reason else found.anomaly_score for found in artifact.score(pictures)]


@torch.inference_mode()
def score_with_exposure_of(artifact: Artifact, pictures: list[Tensor], before: Tensor) -> list[float]:
    """Rank scores of pictures of one size, with the exposure that another one has: theirs is left in."""
    prepared, reasons = [], []
    for picture in pictures:
        view, _, reason = artifact.script.prepare_like(picture, before)
        prepared.append(view)
        reasons.append(reason)
    scores: list[float] = artifact.script.score_prepared(torch.stack(prepared))[0].tolist()
    return [math.inf if reason else score for score, reason in zip(scores, reasons, strict=True)]


def _outcome(values: list[float], pictures: Sequence[LabelledPicture], calibration: Calibration) -> ShiftOutcome:
    is_bad, scores = np.array([picture.is_bad for picture in pictures], dtype=bool), np.array(values, dtype=float)
    rejected, good, bad = scores > calibration.threshold, int((~is_bad).sum()), int(is_bad.sum())
    false_alarms, detections = int(rejected[~is_bad].sum()), int(rejected[is_bad].sum())
    promise = promise_of(calibration)
    return ShiftOutcome(
        auroc=estimate(METRICS["image_auroc"], picture_histogram(is_bad, scores), calibration.threshold, good, bad),
        false_alarms=false_alarms,
        detections=detections,
        fpr=false_alarms / good if good else None,
        fpr_interval=clopper_pearson(false_alarms, good),
        tpr=detections / bad if bad else None,
        tpr_interval=clopper_pearson(detections, bad),
        is_refuted=None if promise is None else promise.is_refuted(false_alarms, good),
    )


def _outcome_json(outcome: ShiftOutcome) -> dict[str, Any]:
    return {
        "image_auroc": outcome.auroc.value,
        "fpr": outcome.fpr,
        "tpr": outcome.tpr,
        "promise_refuted": outcome.is_refuted,
        "ci": {
            name: None if interval is None else [interval.low, interval.high]
            for name, interval in (
                ("image_auroc", outcome.auroc.interval),
                ("fpr", outcome.fpr_interval),
                ("tpr", outcome.tpr_interval),
            )
        },
    }
