"""Results: what is kept of each picture, small; and results.csv, a row for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from snag.cli.table import csv_table
from snag.core.verdict import Verdict
from snag.evaluation.judged_pictures import JudgedPicture, Unreadable
from snag.evaluation.labelled import LabelledPicture
from snag.evaluation.shortcuts import features, grey_of

COLUMNS: Final = (
    *("path", "class", "label", "score", "p_value", "anomaly"),
    *("reconstruction_error", "brightness", "reason", "group", "threshold"),
)


@dataclass(frozen=True)
class PictureResult:
    """One picture's verdict, and what the audit needs of it."""

    picture: LabelledPicture
    verdict: Verdict
    brightness: float  #: mean grey value, 0..1
    raw: tuple[float, ...]  #: shortcuts.FEATURES of the decoded picture
    normalised: tuple[float, ...] | None  #: the same of what the network saw; None where it refused to look

    @property
    def rank_score(self) -> float:
        """The score by which pictures are ranked: one that was refused for a reason ranks above all."""
        return math.inf if self.verdict.reason else self.verdict.score


def result_of(judged: JudgedPicture) -> PictureResult:
    """Shrink what was seen to what is kept."""
    grey = grey_of(judged.pixels) / 255.0
    verdict = judged.verdict
    return PictureResult(
        picture=judged.picture,
        verdict=verdict,
        brightness=float(grey.mean()),
        raw=features(grey),
        normalised=None if verdict.reason else features(grey_of(judged.scores.prepared)),
    )


def results_csv(results: Sequence[PictureResult], unreadable: Sequence[Unreadable]) -> str:
    """The table's text: COLUMNS, judged pictures first; an unreadable one has no score, and the error's code as its reason."""
    rows = [_row(result) for result in results]
    return csv_table(
        COLUMNS,
        [*rows, *([*_labels(item.picture), *[""] * 5, item.code, item.picture.group or "", ""] for item in unreadable)],
    )


def _row(result: PictureResult) -> list[object]:
    verdict = result.verdict
    return [
        *_labels(result.picture),
        *(verdict.score, verdict.p_value, int(verdict.is_anomaly), verdict.reconstruction_error),
        *(result.brightness, verdict.reason or "", result.picture.group or "", verdict.threshold),
    ]


def _labels(picture: LabelledPicture) -> tuple[str, str, int]:
    return picture.name, picture.kind, int(picture.is_bad)
