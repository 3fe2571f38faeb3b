"""The diagnosis: everything that was found out about a data set, gathered from its pictures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from snag.core.errors import SnagError
from snag.core.file_names import original
from snag.core.left_out import LeftOut
from snag.core.picture import PictureLimits
from snag.detector.preparation import resized
from snag.doctor.exam import TRAIN, Exam, examine_all, pictures_to_examine
from snag.doctor.suspects import Oddity, oddities
from snag.evaluation.labelled import GOOD
from snag.evaluation.shortcuts import Shortcut, audit, chance_level
from snag.training.data.dataset import LEAST_PICTURES, LIMITS, read
from snag.training.data.layout import Finding, check_layout, left_out_of
from snag.training.data.lots import lots_of
from snag.training.data.near_duplicates import near_duplicates
from snag.training.data.split import split_good
from snag.training.data.survey import in_threads
from snag.training.data.white import white_of_set
from snag.training.modes import Choice, choose, second_choice
from snag.training.modes.mode import Mode, some_of
from snag.training.run.progress import progress

#: Pixels of the prepared pictures in which suspects are sought: enough for defects of a few pixels, and quick.
PIXELS: Final = 8000


@dataclass(frozen=True)
class Comparison:
    """Two kinds of pictures, and how well simple features tell them apart."""

    shortcuts: dict[str, Shortcut]
    chance: float  #: folded AUROC that features without meaning stay below in 19 of 20 comparisons


@dataclass(frozen=True)
class Diagnosis:
    """What is known of a data set before any training."""

    data: Path
    findings: Sequence[Finding]  #: of the layout's check
    exams: Sequence[Exam]  #: readable pictures, train/good first
    choice: Choice | None  #: how training would prepare them; None with too few good pictures
    second_choice: Mode | None  #: what else would fit them
    prepared: Tensor | None  #: [n, c, h, w] of train/good
    oddities: Sequence[Oddity]  #: of train/good, in the order of `train`
    twins: Sequence[Sequence[str]]  #: names of near-duplicates in train/good, by group
    refusal: str | None  #: what training would say instead of beginning; None where it would begin, or with too few pictures
    leaks: Sequence[tuple[str, str]]  #: test picture, nearly the same picture of train/good
    defects: Comparison | None  #: test/good with the defective ones; None where one of them is missing
    drift: Comparison | None  #: train/good with test/good
    left_out: LeftOut  #: what is no picture, or is passed over

    @property
    def train(self) -> list[Exam]:
        """Pictures of train/good."""
        return self.in_folder(TRAIN)

    @property
    def different(self) -> int:
        """How many different good parts train/good shows: near-duplicates count as one."""
        return len(self.train) - sum(len(same) - 1 for same in self.twins)

    @property
    def folders(self) -> dict[str, int]:
        """How many readable pictures each folder has."""
        return dict(Counter(exam.folder for exam in self.exams))

    def in_folder(self, folder: str) -> list[Exam]:
        """Pictures of one folder."""
        return [exam for exam in self.exams if exam.folder == folder]


def diagnose(data: Path, limits: PictureLimits = LIMITS, lots: str | None = None) -> Diagnosis:
    """Look at a data set that training is to split by `lots`, if so.

    Raises nothing for pictures that can't be read: they are among the findings.
    """
    paths = pictures_to_examine(data)
    good = [path for path in paths if path.is_relative_to(data / TRAIN)]
    limits = replace(limits, white=white_of_set(good, limits))
    findings = check_layout(data, lambda paths: progress(paths, "check", "file"), limits)
    exams = examine_all(paths, data, limits)
    train = [exam for exam in exams if exam.folder == TRAIN]
    choice, prepared = _prepare(train, data, limits)
    groups = near_duplicates([exam.summary.cells for exam in train])  # as training forms them: without those of the test
    tested = [exam for exam in exams if exam.folder == f"test/{GOOD}"]
    return Diagnosis(
        data=data,
        findings=findings,
        exams=exams,
        choice=choice,
        second_choice=None if choice is None else second_choice(choice.mode, [exam.summary for exam in train]),
        prepared=prepared,
        oddities=[] if prepared is None else oddities(prepared),
        twins=_twins(train, groups),
        refusal=_refusal(train, groups, data, lots),
        leaks=_leaks(exams, near_duplicates([exam.summary.cells for exam in exams])),
        defects=_compared(tested, [exam for exam in exams if exam.is_bad]),
        drift=_compared(train, tested),
        left_out=left_out_of(data),
    )


def _prepare(train: Sequence[Exam], data: Path, limits: PictureLimits) -> tuple[Choice | None, Tensor | None]:
    """How training would prepare the good pictures, and they themselves so prepared, small."""
    if len(train) < LEAST_PICTURES:
        return None, None
    choice = choose([exam.summary for exam in train], pixels=PIXELS).completed(
        lambda: (read(data / original(exam.name), limits) for exam in progress(some_of(train), "usual look", "picture"))
    )
    with torch.inference_mode():
        views = in_threads(
            lambda path: choice.module(read(path, limits)).picture, [data / original(exam.name) for exam in train], "prepare"
        )
    # Pictures of many shapes keep theirs; to be compared place by place they take the usual one.
    (height, width), _ = Counter((view.shape[1], view.shape[2]) for view in views).most_common(1)[0]
    return choice, torch.cat([resized(view[None], height, width) for view in views])


def _refusal(train: Sequence[Exam], groups: Sequence[int], data: Path, lots: str | None) -> str | None:
    if len(train) < LEAST_PICTURES:
        return None
    names = [exam.name for exam in train]
    try:
        split_good(names, groups, (None, None), 0, lots_of(lots, names, data) if lots else None, data)
    except SnagError as error:
        return str(error)
    return None


def _twins(train: Sequence[Exam], groups: Sequence[int]) -> list[list[str]]:
    names: dict[int, list[str]] = defaultdict(list)
    for exam, group in zip(train, groups, strict=True):
        names[group].append(exam.name)
    return [same for same in names.values() if len(same) > 1]


def _leaks(exams: Sequence[Exam], groups: Sequence[int]) -> list[tuple[str, str]]:
    first: dict[int, str] = {}
    for exam, group in zip(exams, groups, strict=True):
        if exam.folder == TRAIN:
            first.setdefault(group, exam.name)
    return [
        (exam.name, first[group]) for exam, group in zip(exams, groups, strict=True) if exam.folder != TRAIN and group in first
    ]


def _compared(first: Sequence[Exam], second: Sequence[Exam]) -> Comparison | None:
    chance = chance_level(len(first), len(second))
    if chance is None:
        return None
    every = [*first, *second]
    is_second = [False] * len(first) + [True] * len(second)
    return Comparison(audit(is_second, [exam.features for exam in every], [None] * len(every)), chance)
