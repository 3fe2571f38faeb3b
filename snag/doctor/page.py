"""The doctor's page: one HTML file that opens offline; what to do first, what it rests on below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from snag.core.file_names import spelled
from snag.doctor.advice import Advice, suspects_of
from snag.doctor.diagnosis import Diagnosis
from snag.doctor.exam import Exam, tile_of
from snag.doctor.plots import brightness_plot
from snag.doctor.sample_size import CONFIDENCE, RATES, sample_size
from snag.evaluation.shortcuts import FEATURE_NAMES
from snag.pages import frame
from snag.pages.contact_sheet import contact_sheet
from snag.pages.data_uri import jpeg_uri
from snag.training.data.split import calibration_pictures

_TEMPLATE: Final = Path(__file__).with_name("page.html")
_COLUMNS: Final = 6
_TILE: Final = 160
_TWINS: Final = 6  #: groups of near-duplicates that are shown, two pictures each
_MARK: Final = 3  #: half the side of the frame around a suspect's oddest place, in eighths of the prepared height


@dataclass(frozen=True)
class Sheet:
    """A contact sheet as a data URI."""

    title: str
    text: str
    source: str


def render(diagnosis: Diagnosis, said: Sequence[Advice]) -> str:
    """The whole file's text."""
    good = diagnosis.different
    return frame.render(
        _TEMPLATE,
        diagnosis=diagnosis,
        name=spelled(diagnosis.data.resolve().name),
        data=spelled(diagnosis.data),
        created=datetime.now(UTC).date().isoformat(),
        feature_names=FEATURE_NAMES,
        findings=[(one.urgency, one.text) for one in said],
        verdict=_verdict(said),
        folders=_folders(diagnosis),
        sheets=[sheet for sheet in _sheets(diagnosis) if sheet is not None],
        brightness=brightness_plot(diagnosis) if diagnosis.exams else None,
        comparisons=[
            (title, comparison)
            for title, comparison in (
                ("test/good and defective", diagnosis.defects),
                ("train/good and test/good", diagnosis.drift),
            )
            if comparison is not None
        ],
        rates=[sample_size(rate, good) for rate in RATES],
        good=good,
        calibration=calibration_pictures(good),
        confidence=CONFIDENCE,
    )


def _verdict(said: Sequence[Advice]) -> tuple[str, str]:
    """A word and its mood."""
    urgencies = {one.urgency for one in said}
    if "stop" in urgencies:
        return "Training can't begin yet.", "warning"
    return ("Look at the warnings before you train.", "warning") if "warning" in urgencies else ("Ready to train.", "good")


def _folders(diagnosis: Diagnosis) -> list[tuple[str, int, str, str]]:
    """Folder, pictures, sizes, encodings."""
    rows = []
    for folder, number in diagnosis.folders.items():
        exams = diagnosis.in_folder(folder)
        sizes = sorted({(exam.summary.width, exam.summary.height) for exam in exams})
        told = " to ".join(f"{width} x {height}" for width, height in dict.fromkeys((sizes[0], sizes[-1])))
        rows.append((folder, number, told, "; ".join(sorted({exam.encoding for exam in exams}))))
    return rows


def _sheets(diagnosis: Diagnosis) -> list[Sheet | None]:
    train = diagnosis.train
    if not train:
        return []
    spread = [train[len(train) * i // min(12, len(train))] for i in range(min(12, len(train)))]
    by_light = sorted(train, key=lambda exam: exam.brightness)
    ends = list(dict.fromkeys([*by_light[:3], *by_light[-3:]]))
    twins = [exam for group in diagnosis.twins[:_TWINS] for exam in train if exam.name in group[:2]]
    return [
        _of_exams("Good pictures", "Some of train/good, evenly taken.", spread),
        _suspects(diagnosis),
        _of_exams("Darkest and brightest", "Three each of train/good.", ends),
        _of_exams("Near-duplicates", "Two of each group: it gives one calibration score.", twins),
        _views(diagnosis),
    ]


def _of_exams(title: str, text: str, exams: Sequence[Exam]) -> Sheet | None:
    return _sheet(title, text, [exam.tile for exam in exams], [_short(exam) for exam in exams])


def _suspects(diagnosis: Diagnosis) -> Sheet | None:
    """The oddest good pictures, suspected or not: picture, and as the network would see it with the oddest place framed."""
    if diagnosis.prepared is None:
        return None
    ranked = sorted(range(len(diagnosis.oddities)), key=lambda i: -diagnosis.oddities[i].score)
    shown = ranked[: max(6, min(18, len(suspects_of(diagnosis))))]
    tiles, captions = [], []
    for i in shown:
        exam, odd = diagnosis.train[i], diagnosis.oddities[i]
        tiles += [exam.tile, tile_of(_framed(diagnosis.prepared[i], odd.place))]
        captions += [_short(exam), f"oddity {odd.score:.1f}{' (suspect)' if odd.is_suspect else ''}"]
    text = (
        "The good pictures most unlike the others, each with its oddest place framed. Around 0 is usual, above 3 suspect. "
        "Take out those with a defect and no others: each odd but good one that goes makes more false alarms than are promised."
    )
    return _sheet("Unlike the others", text, tiles, captions)


def _framed(prepared: Tensor, place: tuple[int, int]) -> Tensor:
    """The prepared picture [c, h, w] in colour, with a frame around a place."""
    drawn = prepared.clamp(0, 1).expand(3, -1, -1).clone()
    reach, (row, column) = max(2, _MARK * drawn.shape[1] // 16), place
    rows = slice(max(0, row - reach), row + reach + 1)
    columns = slice(max(0, column - reach), column + reach + 1)
    frame = torch.zeros(drawn.shape[1:], dtype=torch.bool)
    frame[rows, columns] = True
    frame[rows.start + 1 : rows.stop - 1, columns.start + 1 : columns.stop - 1] = False
    drawn[:, frame] = torch.tensor([[0.95], [0.35], [0.1]])
    return drawn


def _views(diagnosis: Diagnosis) -> Sheet | None:
    if diagnosis.prepared is None or diagnosis.choice is None:
        return None
    count = len(diagnosis.prepared)
    views = [tile_of(diagnosis.prepared[count * i // 6]) for i in range(6)]
    text = f"Exposure taken out; {diagnosis.choice.mode.phrase}."
    return _sheet("As the network would see them", text, views, [""] * 6)


def _sheet(title: str, text: str, tiles: Sequence[Tensor], captions: Sequence[str]) -> Sheet | None:
    if not tiles:
        return None
    return Sheet(title, text, jpeg_uri(contact_sheet(tiles, captions, _COLUMNS, _TILE)))


def _short(exam: Exam) -> str:
    return exam.name.removeprefix("train/good/")
