"""Advice: what to do about a data set, most urgent first. Pure: from a diagnosis to sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from snag.doctor.diagnosis import Comparison, Diagnosis
from snag.doctor.exam import Exam
from snag.doctor.sample_size import lowest_rate, sample_size
from snag.evaluation.shortcuts import FEATURE_NAMES
from snag.pages.formats import counted, percent
from snag.training.data.dataset import LEAST_PICTURES
from snag.training.data.split import USUAL_RATE

Urgency = Literal["stop", "warning", "note", "good"]
_ORDER: Final[tuple[Urgency, ...]] = ("stop", "warning", "note", "good")
#: Above this a feature that separates is worth a warning even of few pictures.
_STRONG: Final = 0.7
_CLIPPED: Final = 0.02
#: The brightest good picture may be so many times as bright as the darkest before it is worth a word.
_SPREAD: Final = 1.5
_NAMED: Final = 5  #: pictures that a sentence names


@dataclass(frozen=True)
class Advice:
    """One thing to do, or to be glad of."""

    urgency: Urgency  #: "stop": training can't begin
    text: str


def advice(diagnosis: Diagnosis) -> list[Advice]:
    """Everything worth saying, most urgent first."""
    said = [
        *_pictures(diagnosis),
        *_left_out(diagnosis),
        *_rates(diagnosis),
        *_suspects(diagnosis),
        *_twins(diagnosis),
        *_shortcuts(diagnosis),
        *_light(diagnosis.train),
        *_kinds(diagnosis.train),
        *_alignment(diagnosis),
        *_layout(diagnosis),
    ]
    return sorted(said, key=lambda one: _ORDER.index(one.urgency))


def _pictures(diagnosis: Diagnosis) -> Iterator[Advice]:
    if unreadable := [finding for finding in diagnosis.findings if finding.kind == "unreadable"]:
        names = _named([finding.path for finding in unreadable])
        yield Advice("stop", f"{counted(len(unreadable))} can't be read: replace or remove {names}.")
    good = len(diagnosis.train)
    if good < LEAST_PICTURES:
        yield Advice("stop", f"{counted(good, 'readable good picture')} in train/good: take at least {LEAST_PICTURES}.")
    if diagnosis.refusal:
        yield Advice("stop", f"{diagnosis.refusal}.")
    if not any(exam.is_bad for exam in diagnosis.exams):
        yield Advice("note", "There are no defective pictures in test/: how many defects are found can't be measured without.")


def _left_out(diagnosis: Diagnosis) -> Iterator[Advice]:
    if sentence := diagnosis.left_out.sentence():
        yield Advice("warning" if diagnosis.left_out.is_grave else "note", f"{sentence[0].upper()}{sentence[1:]}.")


def _rates(diagnosis: Diagnosis) -> Iterator[Advice]:
    good = diagnosis.different
    if good < LEAST_PICTURES:
        return
    usual = sample_size(USUAL_RATE, good)
    if usual.told is None:
        yield Advice(
            "warning",
            f"{good} different good parts carry a false-alarm rate of {percent(lowest_rate(good))} at best: take "
            f"{usual.good - good} more for {percent(USUAL_RATE)}, or ask for a higher rate with FPR=.",
        )
    else:
        yield Advice("good", f"{good} different good parts carry a false-alarm rate down to {percent(lowest_rate(good))}.")


def _suspects(diagnosis: Diagnosis) -> Iterator[Advice]:
    suspects = suspects_of(diagnosis)
    if suspects:
        names = _named([exam.name for exam, _ in suspects])
        yield Advice(
            "warning",
            f"{counted(len(suspects), 'good picture')} {_does(suspects, 'looks', 'look')} unlike the others ({names}): look at "
            "them below. A defect among the good ones is learned, or raises the threshold: take out only what shows a defect. "
            "Every odd but good part that you take out makes more false alarms than are promised.",
        )
    elif diagnosis.oddities:
        yield Advice("good", "No good picture looks unlike the others.")


def suspects_of(diagnosis: Diagnosis) -> list[tuple[Exam, int]]:
    """Suspected pictures with their places in `train`, the oddest first."""
    ranked = sorted(range(len(diagnosis.oddities)), key=lambda i: -diagnosis.oddities[i].score)
    return [(diagnosis.train[i], i) for i in ranked if diagnosis.oddities[i].is_suspect]


def _twins(diagnosis: Diagnosis) -> Iterator[Advice]:
    surplus = len(diagnosis.train) - diagnosis.different
    if surplus:
        share = surplus / len(diagnosis.train)
        are = _does(range(surplus), "is a near-duplicate", "are near-duplicates")
        yield Advice(
            "warning" if share > 0.1 else "note",
            f"{counted(surplus, 'good picture')} of {len(diagnosis.train)} {are} of another: each group stays on one side of "
            "the split and gives one calibration score. Take pictures of other parts.",
        )
    if diagnosis.leaks:
        names = _named([test for test, _ in diagnosis.leaks])
        yield Advice(
            "warning",
            f"{counted(len(diagnosis.leaks), 'test picture')} {_does(diagnosis.leaks, 'is', 'are')} nearly the same as a "
            f"training picture: remove {names}.",
        )


def _shortcuts(diagnosis: Diagnosis) -> Iterator[Advice]:
    if found := _strongest(diagnosis.defects):
        yield Advice(
            "warning",
            f"{found[0].capitalize()} alone tells good from defective pictures (AUROC {found[1]:.2f}): they were taken "
            "differently. Snag takes gain and offset out of each picture; take both kinds under the same lamp and lens all the "
            "same, or the report will flatter.",
        )
    elif diagnosis.defects:
        yield Advice("good", "Nothing as simple as brightness tells good from defective pictures.")
    if found := _strongest(diagnosis.drift):
        yield Advice(
            "warning",
            f"{found[0].capitalize()} alone tells train/good from test/good (AUROC {found[1]:.2f}): the good pictures of the "
            "test were taken differently. A false-alarm rate promised on the one does not hold for the other.",
        )


def _strongest(comparison: Comparison | None) -> tuple[str, float] | None:
    """The feature that separates best, where that is more than chance and strong."""
    if comparison is None:
        return None
    folded = {name: shortcut.raw_folded or 0.5 for name, shortcut in comparison.shortcuts.items()}
    name = max(folded, key=lambda one: folded[one])
    return (FEATURE_NAMES[name], folded[name]) if folded[name] > max(comparison.chance, _STRONG) else None


def _light(train: Sequence[Exam]) -> Iterator[Advice]:
    if not train:
        return
    clipped = [exam for exam in train if exam.clipped > _CLIPPED]
    if len(clipped) > len(train) / 10:
        yield Advice(
            "warning",
            f"{counted(len(clipped), 'good picture')} of {len(train)} are over- or underexposed: more than {percent(_CLIPPED)} "
            "of their pixels are at the end of the scale, where nothing can be seen. Change the exposure time.",
        )
    dark, bright = np.percentile([exam.brightness for exam in train], [1, 99])
    if bright > _SPREAD * max(dark, 1e-3):
        yield Advice(
            "note",
            f"The brightness of good pictures ranges from {percent(dark)} to {percent(bright)} of the scale. One gain and one "
            "offset are taken out of each picture, so this is no fault; what changes across a picture is not taken out of "
            "pictures that are judged whole.",
        )


def _kinds(train: Sequence[Exam]) -> Iterator[Advice]:
    sizes = Counter((exam.summary.width, exam.summary.height) for exam in train)
    if len(sizes) > 1:
        (width, height), most = sizes.most_common(1)[0]
        yield Advice(
            "note",
            f"The good pictures have {len(sizes)} sizes; {most} of {len(train)} are {width} x {height}. That is allowed.",
        )
    encodings = Counter(exam.encoding for exam in train)
    if len(encodings) > 1:
        kinds = "; ".join(f"{encoding}: {number}" for encoding, number in encodings.most_common())
        yield Advice("note", f"The good pictures come in {len(encodings)} encodings ({kinds}): are they all from one camera?")
    if any(encoding.startswith("JPEG") for encoding in encodings):
        yield Advice(
            "note", "Some good pictures are JPEG files: small defects may be lost in compression. PNG keeps everything."
        )


def _alignment(diagnosis: Diagnosis) -> Iterator[Advice]:
    if diagnosis.choice is None:
        return
    choice = diagnosis.choice
    urgency: Urgency = "note" if choice.is_fallback else "good"
    yield Advice(urgency, f"Training will see {choice.mode.phrase}: {choice.fit.why}.")
    if (second := diagnosis.second_choice) is not None:
        asked = f'make train ARGS="--mode {second.name}"'
        yield Advice("note", f"Second choice: {second.phrase} (`{asked}`). Compare both reports where you have defects.")


def _layout(diagnosis: Diagnosis) -> Iterator[Advice]:
    for finding in diagnosis.findings:
        if finding.severity == "error" and finding.kind != "unreadable":
            yield Advice("stop", f"{finding.path}: {finding.detail}.")
    told = ("leak", "duplicate", "left_out")  # among the near-duplicates, and with all that is left out
    warnings = Counter(one.kind for one in diagnosis.findings if one.severity == "warning" and one.kind not in told)
    for kind, number in warnings.items():
        first = next(finding for finding in diagnosis.findings if finding.kind == kind)
        more = f" (and {number - 1} more of the kind)" if number > 1 else ""
        yield Advice("note" if kind in ("unknown", "empty", "mask_soft") else "warning", f"{first.path}: {first.detail}{more}.")


def _does(some: Sequence[object], one: str, many: str) -> str:
    """The verb that goes with so many."""
    return one if len(some) == 1 else many


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
