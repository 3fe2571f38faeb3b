"""The report's words and plots: what is claimed is what was counted."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snag.core.group import Group
from snag.core.heatmap import scale_of
from snag.core.verdict import judge
from snag.detector.memory import FINER
from snag.evaluation import plots
from snag.evaluation.figures import Estimate, Figures, figures
from snag.evaluation.findings import calibration_findings, preparation_finding, summary_findings
from snag.evaluation.gallery import Gallery
from snag.evaluation.labelled import LabelledPicture
from snag.evaluation.report import render
from snag.evaluation.results import PictureResult
from snag.evaluation.score_histogram import PixelHistogram, picture_histogram
from snag.evaluation.shift_table import ShiftOutcome, ShiftRow, ShiftTable
from snag.evaluation.shifts import SHIFTS
from snag.evaluation.shortcuts import FEATURES
from snag.evaluation.summary import Evaluation, metrics_json
from snag.training.calibration.compare_thresholds import Costs, compare_thresholds
from snag.training.calibration.guarantee import guarantee, guarantee_of_chosen, measured_share
from tests.support.fakes import tiny_artifact, tiny_calibration


@pytest.fixture
def evaluation(tmp_path: Path) -> Evaluation:
    """No pictures yet; 40 calibration scores 0.001 .. 0.040, threshold 0.039."""
    artifact = tiny_artifact(tmp_path)
    calibration = tiny_calibration(tmp_path, artifact)
    none: Figures = figures([], PixelHistogram(), calibration.threshold)
    gallery = Gallery(0, scale_of(calibration))
    return Evaluation("tiny", "data", "2026-01-01", artifact, calibration, none, [], [], [], PixelHistogram(), gallery)


def judged(evaluation: Evaluation, scores: dict[str, list[float]], reason: str | None = None) -> Evaluation:
    """The evaluation of pictures with these scores, by class; their features are all alike."""
    same = (0.5,) * len(FEATURES)
    results = [
        PictureResult(
            LabelledPicture(Path("x"), f"test/{kind}/{index}.png", kind, None),
            judge(score, 0.1, reason, evaluation.calibration),
            0.5,
            same,
            None if reason else same,
        )
        for kind, values in scores.items()
        for index, score in enumerate(values)
    ]
    found = figures(results, PixelHistogram(), evaluation.calibration.threshold)
    return replace(evaluation, results=results, figures=found)


def texts(evaluation: Evaluation) -> list[str]:
    return [finding.text for finding in summary_findings(evaluation)]


CALM = [index / 1000 for index in range(1, 40, 2)]  # twenty scores spread as the calibration's


def test_counts_and_shares_are_told_with_their_intervals(evaluation: Evaluation) -> None:
    """8 of 10 defects, one of twenty good ones: exact intervals; and what calibration told, which is not what was asked."""
    found = texts(judged(evaluation, {"good": [*CALM[:-1], 0.05], "dent": [0.06] * 8 + [0.02] * 2}))

    assert found[0] == "Of 10 defective pictures 8 were rejected: 80 % (95 % interval 44.4 % to 97.5 %)."
    assert found[1] == (
        "Of 20 good pictures 1 was rejected: 5 % (95 % interval 0.1 % to 24.9 %). Calibration promised at most 4.9 % on "
        "average; so few pictures do not refute that, nor do they prove it."
    )


def test_what_training_chose_by_the_pictures_is_told_where_the_model_knows_it() -> None:
    settings = {"phrase": "each picture whole", "why": "nothing to align", "channels": 3, "height": 240, "width": 256}

    told = [
        preparation_finding(some)
        for some in (
            settings | {"symmetry": "mirrored"},
            settings | {"symmetry": "none", "channels": 1},
            settings,
            settings | {"memory_weight": 0.375},
            settings | {"memory_weight": 0.375, "error_weight": 0.912},
            {"phrase": "each picture whole"},
        )
    ]

    weighed = (
        "The memory looks at all of these pixels, the networks at half as many a side. A standard deviation of the memory's "
        "distance counts 0.38, beside the logarithm of the networks' error: both say as much of the worst places of good "
        "pictures, as far as 0.25 to 2 reach."
    )
    whole = "each picture whole, in colour, 240 x 256 pixels at most (nothing to align)"
    assert told == [
        f"{whole}; also shown mirrored: good pictures stay good so.",
        "each picture whole, in grey, 240 x 256 pixels at most (nothing to align).",
        f"{whole}.",
        f"{whole}. {weighed}",
        f"{whole}. {weighed} The networks' error itself counts 0.91: on good pictures that neither learnt from, they find so "
        "many synthetic defects for each that the memory finds, and more than one is not counted.",
        None,
    ]
    assert FINER == 2  # what "half" says


def test_a_broken_promise_is_called_one(evaluation: Evaluation) -> None:
    """Half of the good pictures rejected: a warning with its probability, and that scores differ from calibration's."""
    found = summary_findings(judged(evaluation, {"good": CALM[:10] + [0.05] * 10}))

    moods = {finding.mood for finding in found if "good pictures" in finding.text}
    assert moods == {"warning"}
    assert any("by chance in less than 0.01 % of cases only" in finding.text for finding in found)
    assert any("score differently from the good pictures of calibration" in finding.text for finding in found)


def test_the_hardest_defect_is_named_where_there_are_several(evaluation: Evaluation) -> None:
    """By its AUROC against the good pictures."""
    found = texts(judged(evaluation, {"good": CALM, "bend": [0.06] * 4, "dent": [0.06, 0.0005]}))

    assert "Hardest to tell from good parts: dent (image AUROC 0.500; 1 of 2 rejected)." in found


def test_refused_pictures_are_rejected_but_in_no_spread(evaluation: Evaluation) -> None:
    """Their score is a stand-in: a mean with it would say nothing."""
    found = judged(evaluation, {"good": [1e6, 1e6]}, reason="not_aligned")

    good = found.figures.per_class["good"]
    assert (good.count, good.rejected, good.refused, good.score) == (2, 2, 2, None)
    assert "Rejected without a look at the surface: 2 pictures, 2 of them good (not_aligned)." in texts(found)
    assert '"image_auroc": null' in metrics_json(found)


def test_a_threshold_set_by_hand_promises_nothing(evaluation: Evaluation) -> None:
    """In the calibration part and beside the false alarms."""
    manual = judged(replace(evaluation, calibration=replace(evaluation.calibration, method="manual")), {"good": CALM})

    assert [finding.mood for finding in calibration_findings(manual)] == ["warning"]
    assert "set by hand and promised nothing" in texts(manual)[1]


@pytest.mark.parametrize(("method", "how"), [("manual", "set by hand"), ("labelled", "suggested by people's labels")])
def test_a_threshold_that_nothing_was_asked_of_is_told_with_what_it_does(evaluation: Evaluation, method: str, how: str) -> None:
    """32 of the 40 calibration scores lie above 0.008; there is no rate in the report, and shifts are held against none."""
    scores = evaluation.calibration.scores
    changes = {"method": method, "rate": None, "threshold": 0.008, "guarantee": measured_share(scores, 0.008, 0.95)}
    known = judged(replace(evaluation, calibration=replace(evaluation.calibration, **changes)), {"good": CALM})
    as_taken = ShiftOutcome(Estimate(0.9, None), 0, 0, 0.0, None, 0.0, None, None)
    rows = [ShiftRow(name, amount, as_taken, None) for name, one in SHIFTS.items() for amount in one.amounts]

    html = render(replace(known, shifts=ShiftTable(4, 4, as_taken, rows)))

    assert [finding.text for finding in calibration_findings(known)] == [
        f"The threshold 0.008 was {how}. No false-alarm rate is promised; 32 of 40 calibration pictures lie above the "
        "threshold (95 %: 64 to 91 % of good parts, if it was not chosen by these pictures)."
    ]
    assert f"was {how} and promised nothing" in texts(known)[1]
    assert "promised rate" not in html
    assert "asked rate" not in html


def test_the_promise_is_told_in_pictures(evaluation: Evaluation) -> None:
    """5 % of 1,000 parts, and how far 40 pictures can be trusted: Beta(2, 39)."""
    known = replace(evaluation.calibration, guarantee=guarantee(40, 39, 0.05, "average", 0.95))
    found, older = (
        [finding.text for finding in calibration_findings(replace(evaluation, calibration=calibration))]
        for calibration in (known, evaluation.calibration)
    )

    assert found[1] == "Of 1,000 good parts, on average at most 49 are rejected (asked: 50); with 95 % confidence at most 114."
    assert found[2].startswith("With 99 calibration pictures instead of 40 it would be at most 91")
    assert "lies between 0.6 % and 13.2 % in 95 of 100 calibrations" in found[3]
    assert older[1] == "Of good parts like those, at most 4.9 % are rejected on average."


@pytest.mark.parametrize(
    ("names", "end"),
    [
        ((), "never saw."),
        (("a.png",), "never saw; 1 other was left out as no good part."),
        (("a.png", "b.png"), "never saw; 2 others were left out as no good parts."),
    ],
)
def test_calibration_pictures_that_were_left_out_are_told(evaluation: Evaluation, names: tuple[str, ...], end: str) -> None:
    found = calibration_findings(replace(evaluation, calibration=replace(evaluation.calibration, left_out=names)))

    assert found[0].text.endswith(end)


def test_a_threshold_chosen_with_defects_is_called_one(evaluation: Evaluation) -> None:
    """It promises no average, and says what it can be trusted with."""
    scores = evaluation.calibration.scores
    chosen = replace(evaluation.calibration, method="youden", guarantee=guarantee_of_chosen(scores, 0.039, 0.95))
    found = judged(replace(evaluation, calibration=chosen), {"good": CALM})

    said = [finding.text for finding in calibration_findings(found)]
    assert said[0] == "The threshold 0.039 was chosen with labelled defects (youden)."
    assert "a threshold that was chosen by its results is promised less" in said[1]
    assert "was chosen with labelled defects and promised no average rate" in texts(found)[1]


def test_groups_and_ways_to_choose_stand_in_the_report(evaluation: Evaluation) -> None:
    """A row for each group and each method; the served method is marked."""
    promised = guarantee(19, 19, 0.05, "average", 0.95)
    known = replace(
        evaluation.calibration,
        groups=(Group("camera <1>", (0.01,) * 19, 0.01, promised), Group("camera 2", (0.02,), None)),
        comparisons=compare_thresholds(
            evaluation.calibration.scores, [0.02, 0.05, 0.06], (0.039, 0.114), 0.95, Costs(9, 1, 0.01)
        ),
    )
    html = render(replace(evaluation, calibration=known))

    assert "<td>camera &lt;1&gt;</td><td>19</td>" in html
    assert promised.sentence in html
    assert "nothing: too few pictures that can be judged for a threshold of its own, so the pooled one holds" in html
    assert re.findall(r'<tr class="(\w*)"><td>([\w-]+)</td><td>0', html) == [
        ("reference", "split-conformal"), ("", "youden"), ("", "cost"),
    ]  # fmt: skip
    assert "1 of 3" in html
    assert json.loads(metrics_json(replace(evaluation, calibration=known)))["calibration"]["groups"] == {
        "camera <1>": {"count": 19, "threshold": 0.01},
        "camera 2": {"count": 1, "threshold": None},
    }


TALLY = picture_histogram(np.array([True, True, False, False]), np.array([3.0, 1.0, 2.0, 0.0]))
SCORES = np.array([0.01, 0.5, 20.0])


@pytest.mark.parametrize(
    "svg",
    [
        plots.calibration_plot([0.1, 0.2, 0.3], 0.3),
        plots.calibration_plot([0.1] * 4, 0.1),
        plots.strip_plot({"good": SCORES, "$x_1$ <b>": SCORES + 1, "empty": SCORES[:0]}, "good", 0.4),
        plots.histogram_pair([SCORES, SCORES], [SCORES[:0], SCORES], [SCORES, SCORES], -1.0, "dent"),
        plots.roc_plot(TALLY, 0.0, 0.5),
        plots.precision_recall_plot(TALLY, 0.0, None),
    ],
)
def test_plots_are_plain_svg_in_the_pages_own_colours(svg: str) -> None:
    """Nothing from outside, no name space needed, every colour a variable of the page."""
    assert svg.startswith("<svg")
    assert svg.endswith("</svg>")
    assert not re.search(r"http|<style|<metadata|<\?xml", svg)
    assert not re.search(r"#[0-9a-fA-F]{6}", svg)
    assert set(re.findall(r"var\(--(\w+)\)", svg)) <= {"ink", "muted", "grid", "good", "bad", "limit"}


def test_class_names_in_plots_are_text() -> None:
    """Neither markup nor mathematics."""
    svg = plots.strip_plot({"$x_1$ <b>": SCORES}, "good", 0.4)

    assert "$x_1$ &lt;b&gt; (3)" in svg


def test_no_bar_lies_on_both_sides_of_the_threshold() -> None:
    """A score equal to the threshold is passed, so it is counted left of the line."""
    edges = plots._bins(np.linspace(0, 1, 50), 0.37, 20)

    passed, rejected = np.histogram([0.37, np.nextafter(0.37, 1)], edges)[0].nonzero()[0]
    assert edges[passed + 1] == edges[rejected] == np.nextafter(0.37, 1)


@pytest.mark.parametrize(("judged", "told"), [(None, False), (False, False), (True, True)])
def test_that_moved_pictures_repeat_their_edges_is_told_where_edges_are_judged(
    evaluation: Evaluation, judged: bool | None, told: bool
) -> None:
    none = ShiftOutcome(Estimate(0.9, None), 0, 0, 0.0, None, 0.0, None, False)
    table = ShiftTable(
        4, 4, none, [ShiftRow(name, amount, none, None) for name, one in SHIFTS.items() for amount in one.amounts]
    )
    settings = {} if judged is None else {"judges_border": judged}
    artifact = replace(evaluation.artifact, settings=settings)

    html = render(replace(evaluation, artifact=artifact, shifts=table))

    assert "When the line changes" in html
    assert ("repeats its edge" in html) is told
