"""Findings: what the figures mean, for someone who knows parts and not statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from snag.core.calibration import COST, LABELLED, MANUAL, YOUDEN, Calibration
from snag.core.group import REST
from snag.evaluation.figures import ClassFigures
from snag.evaluation.intervals import Interval
from snag.evaluation.promise import Promise
from snag.evaluation.shortcuts import FEATURE_NAMES
from snag.evaluation.summary import Evaluation, strongest
from snag.pages.formats import counted, percent

#: Below this two sets of scores are said to differ.
_ODD = 0.005
#: A feature alone that separates better than this, in what the network sees, is worth a warning.
_SUSPECT = 0.7
_CHOSEN = "The threshold was chosen with labelled defects and promised no average rate."
_ORIGINS = {MANUAL: "was set by hand", LABELLED: "was suggested by people's labels"}
_PROMISED_NOTHING = {
    **{method: f"The threshold {origin} and promised nothing." for method, origin in _ORIGINS.items()},
    YOUDEN: _CHOSEN,
    COST: _CHOSEN,
}


@dataclass(frozen=True)
class ReportFinding:
    """One finding; `mood` colours its mark in the report."""

    text: str
    mood: Literal["good", "plain", "warning"] = "plain"


def interval_text(interval: Interval | None) -> str:
    """`(95 % interval 1 % to 9 %)`, or nothing."""
    return "" if interval is None else f" (95 % interval {percent(interval.low)} to {percent(interval.high)})"


def summary_findings(evaluation: Evaluation) -> list[ReportFinding]:
    """The report's first lines."""
    remarks = [ReportFinding(remark, "warning") for remark in evaluation.remarks]
    if not evaluation.results:
        return [
            *remarks,
            ReportFinding(
                f"There are no labelled pictures in {evaluation.data}/test, so this report covers the calibration alone. "
                "Pictures under test/good and test/<defect> make the rest of it.",
            ),
        ]
    candidates = [
        _detection(evaluation),
        _false_alarms(evaluation),
        _likeness(evaluation),
        _hardest(evaluation),
        _shortcut(evaluation),
        _refused(evaluation),
        _unreadable(evaluation),
    ]
    return [*remarks, *(finding for finding in candidates if finding is not None)]


def groups_finding(evaluation: Evaluation) -> str:
    """Whose threshold judged how many test pictures."""
    names = {group.name for group in evaluation.calibration.groups if group.threshold is not None}
    verdicts = [result.verdict for result in evaluation.results]
    own = sum(verdict.threshold_of in names for verdict in verdicts)
    rest = sum(verdict.threshold_of == REST for verdict in verdicts)
    unpromised = sum(verdict.promised is False for verdict in verdicts)
    return (
        f"{own} of {len(verdicts)} test pictures are of a group with a threshold of its own and were judged by it, "
        f"{f'{rest} by that of the rest, ' if rest else ''}the others by the pooled threshold. "
        f"{f'For the groups of {unpromised} of them no rate is promised. ' if unpromised else ''}"
        "The shares rejected count these verdicts; plots, the heat maps' scale and what is "
        "said of moved thresholds and shifts go by the pooled one."
    )


def calibration_findings(evaluation: Evaluation) -> list[ReportFinding]:
    """What the threshold promises."""
    calibration, promise = evaluation.calibration, evaluation.promise
    start = f"The threshold {calibration.threshold:.4g}"
    if calibration.method in _ORIGINS:
        known = calibration.guarantee.sentence if calibration.guarantee else "No false-alarm rate is promised."
        return [ReportFinding(f"{start} {_ORIGINS[calibration.method]}. {known}", "warning")]
    if promise is None:
        return [ReportFinding(f"{start} was chosen with labelled defects ({calibration.method})."), *_guaranteed(calibration)]
    return [
        ReportFinding(f"{start} comes from {calibration.count} good pictures{_unseen(calibration)}{_left_out(calibration)}."),
        *_guaranteed(calibration),
        ReportFinding(
            f"With {calibration.count} pictures, the true rate of such a threshold lies between "
            f"{percent(promise.realised.low)} and {percent(promise.realised.high)} in 95 of 100 calibrations; "
            "more calibration pictures narrow this."
        ),
        ReportFinding("The promise holds for pictures taken as the calibration pictures were: same camera, light and surface."),
    ]


def _unseen(calibration: Calibration) -> str:
    return f" (did training see them? {calibration.unchecked})" if calibration.unchecked else " that training never saw"


def _left_out(calibration: Calibration) -> str:
    number = len(calibration.left_out)
    return (
        f"; {counted(number, 'other')} {'was left out as no good part' if number == 1 else 'were left out as no good parts'}"
        if number
        else ""
    )


def preparation_finding(settings: Mapping[str, Any]) -> str | None:
    """What training chose by the good pictures, of an artefact's settings; None where they don't tell."""
    if not {"phrase", "why", "channels", "height", "width"} <= settings.keys():
        return None
    colour = "in grey" if settings["channels"] == 1 else "in colour"
    text = f"{settings['phrase']}, {colour}, {settings['height']} x {settings['width']} pixels at most ({settings['why']})"
    if settings.get("symmetry", "none") != "none":
        text += f"; also shown {settings['symmetry']}: good pictures stay good so"
    if (weight := settings.get("memory_weight")) is not None:
        text += (
            ". The memory looks at all of these pixels, the networks at half as many a side. "
            f"A standard deviation of the memory's distance counts {weight:.2f}, beside the logarithm of the networks' error: "
            "both say as much of the worst places of good pictures, as far as 0.25 to 2 reach"
        )
        if (says := settings.get("error_weight")) is not None:
            text += (
                f". The networks' error itself counts {says:.2f}: on good pictures that neither learnt from, they find so many "
                "synthetic defects for each that the memory finds, and more than one is not counted"
            )
    return text + "."


def _guaranteed(calibration: Calibration) -> list[ReportFinding]:
    """The promise with its confidence, and what more pictures would buy, as worked out at calibration."""
    known = calibration.guarantee
    if known is None and calibration.rate is not None:  # a calibration from before that was worked out
        told = (calibration.count + 1 - calibration.rank) / (calibration.count + 1)
        return [ReportFinding(f"Of good parts like those, at most {percent(told)} are rejected on average.")]
    return [ReportFinding(text) for text in (known.sentence, known.prospect) if text] if known else []


def _detection(evaluation: Evaluation) -> ReportFinding | None:
    count, rejected = evaluation.figures.bad_count, evaluation.figures.bad_rejected
    if not count:
        return ReportFinding("There are no defective pictures, so nothing can be said about detection.")
    share = percent(rejected / count)
    mood: Literal["plain", "warning"] = "warning" if rejected < count / 2 else "plain"
    return ReportFinding(f"{_of(count, 'defective', rejected)}: {share}{interval_text(evaluation.detections)}.", mood)


def _false_alarms(evaluation: Evaluation) -> ReportFinding | None:
    good = evaluation.figures.good
    if good is None:
        return ReportFinding("There are no good pictures under test/good, so nothing can be said about false alarms.")
    share = percent(good.rejected / good.count)
    start = f"{_of(good.count, 'good', good.rejected)}: {share}{interval_text(evaluation.false_alarms)}. "
    return (
        ReportFinding(start + _PROMISED_NOTHING[evaluation.calibration.method])
        if evaluation.promise is None
        else (_kept(start, evaluation.promise, good))
    )


def _kept(start: str, promise: Promise, good: ClassFigures) -> ReportFinding:
    promised = f"Calibration promised at most {percent(promise.rate)} on average"
    if not promise.is_refuted(good.rejected, good.count):
        return ReportFinding(f"{start}{promised}; so few pictures do not refute that, nor do they prove it.")
    chance = percent(promise.surprise(good.rejected, good.count))
    return ReportFinding(
        f"{start}{promised}. So many would happen by chance in {chance} of cases only: these pictures are probably "
        "not like the calibration pictures (light, camera, surface). Calibrate again with good pictures taken as these were.",
        "warning",
    )


def _likeness(evaluation: Evaluation) -> ReportFinding | None:
    """Said only where the scores clearly differ: with every figure's sentence it would be one too many."""
    fit = evaluation.good_likeness
    if fit is None or fit >= _ODD:
        return None
    return ReportFinding(
        "The good pictures of the test score differently from the good pictures of calibration (by chance in "
        f"{percent(fit)} of cases): they were probably taken or chosen differently, and the threshold may be too high "
        "or too low for them. Calibrate with good pictures taken as these were.",
        "warning",
    )


def _hardest(evaluation: Evaluation) -> ReportFinding | None:
    scored = {
        kind: row["image_auroc"].value
        for kind, row in evaluation.figures.per_defect.items()
        if row["image_auroc"].value is not None
    }
    if len(scored) < 2:
        return None
    kind = min(scored, key=lambda name: scored[name])  # type: ignore[arg-type,return-value]
    row = evaluation.figures.per_class[kind]
    return ReportFinding(
        f"Hardest to tell from good parts: {kind} (image AUROC {scored[kind]:.3f}; {row.rejected} of {row.count} rejected)."
    )


def _shortcut(evaluation: Evaluation) -> ReportFinding | None:
    chance = evaluation.shortcut_chance
    raw, seen = (strongest(evaluation.figures.shortcuts, column) for column in ("raw", "normalised"))
    if chance is None or raw is None:
        return None
    limit = f"up to {chance:.2f} is chance with so many pictures"
    lamp = f"In the raw pictures {FEATURE_NAMES[raw[0]]} alone separates good from defective (AUROC {raw[1]:.2f}; {limit})"
    none = (
        f"No simple number such as brightness separates good from defective in the raw pictures (at most {raw[1]:.2f}; {limit})"
    )
    before = lamp if raw[1] > chance else none
    if seen is None:
        return ReportFinding(f"{before}.", "warning" if raw[1] > chance else "good")
    if seen[1] <= chance:
        return ReportFinding(f"{before}. In what the network sees nothing so simple does (at most {seen[1]:.2f}).", "good")
    return ReportFinding(
        f"{before}. In what the network sees {FEATURE_NAMES[seen[0]]} alone does so with {seen[1]:.2f}: part of the result may "
        "come from how the pictures were taken, unless the defects themselves change it.",
        "warning" if seen[1] > max(chance, _SUSPECT) else "plain",
    )


def _refused(evaluation: Evaluation) -> ReportFinding | None:
    refused = [result for result in evaluation.results if result.verdict.reason]
    if not refused:
        return None
    reasons = ", ".join(sorted({str(result.verdict.reason) for result in refused}))
    good = sum(not result.picture.is_bad for result in refused)
    return ReportFinding(
        f"Rejected without a look at the surface: {counted(len(refused))}, {good} of them good ({reasons}).", "warning"
    )


def _unreadable(evaluation: Evaluation) -> ReportFinding | None:
    count = len(evaluation.unreadable)
    return ReportFinding(f"{counted(count)} could not be read, and no figure counts that.", "warning") if count else None


def _of(count: int, what: str, rejected: int) -> str:
    return f"Of {counted(count, f'{what} picture')} {rejected} {'was' if rejected == 1 else 'were'} rejected"
