"""A threshold that was not made to keep a rate promises none, wherever it is told of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from snag.core.bundle import load_bundle
from snag.core.calibration import read_calibration
from snag.core.gauges import bundle_gauges
from snag.training.calibrate import calibrate, main
from tests.support.trained import Trained
from tests.support.uncalibrated import pictures, settings, uncalibrated


@pytest.fixture
def run(bolts: Trained, tmp_path: Path) -> Path:
    return uncalibrated(bolts, tmp_path / "run")


def flags(bolts: Trained, run: Path, *more: object) -> list[str]:
    return ["--data", str(bolts.data), "--run", str(run), *map(str, more)]


@pytest.mark.parametrize(
    ("source", "method", "how"),
    [([], "manual", "set by hand"), (["--threshold-from", "labels"], "labelled", "suggested by people's labels")],
)
def test_a_threshold_from_elsewhere_is_told_with_what_it_does(
    bolts: Trained, run: Path, capsys: pytest.CaptureFixture[str], source: list[str], method: str, how: str
) -> None:
    """Nine of the twelve calibration scores lie above the third of them: Clopper and Pearson's interval of that share."""
    threshold = bolts.calibration.scores[2]

    assert main(flags(bolts, run, "--threshold", repr(threshold), *source)) == 0

    assert capsys.readouterr().out.splitlines()[0] == (
        f"threshold {threshold:.6g}, {how}: no false-alarm rate is promised; 9 of 12 calibration pictures lie above the "
        "threshold (95 %: 42 to 95 % of good parts, if it was not chosen by these pictures)."
    )
    calibration = read_calibration(run / "calibration.json")
    assert (calibration.method, calibration.rate, calibration.threshold) == (method, None, threshold)
    assert json.loads((run / "calibration.json").read_text())["promise"].startswith("No false-alarm rate is promised; 9 of 12")


def test_a_threshold_chosen_with_defects_is_told_to_keep_no_rate(
    bolts: Trained, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bound for whatever way of choosing stays."""
    defects = pictures(tmp_path / "defects", range(700, 706), mark=True)

    assert main(flags(bolts, run, "--defects", defects, "--method", "youden")) == 0

    first, second, *_ = capsys.readouterr().out.splitlines()
    assert ", chosen with labelled defects (youden): no false-alarm rate is kept on average, from 12 good pictures" in first
    assert second.endswith("a threshold that was chosen by its results is promised less.")
    assert read_calibration(run / "calibration.json").rate is None


@pytest.mark.parametrize(("more", "target"), [({}, [0.1]), ({"threshold": 7.5}, [])])
def test_a_worker_gives_no_target_where_none_was_asked_for(bolts: Trained, run: Path, more: dict, target: list[float]) -> None:
    calibrate(settings(bolts, run, fpr=0.1, **more))

    gauges = bundle_gauges(load_bundle(run), 1.0)

    assert [one.value for one in gauges if one.name == "snag_target_false_alarm_rate"] == target


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("a",), "group a has no threshold of its own: one set by hand holds for all"),
        (("a", "b"), "groups a, b have no thresholds of their own: one set by hand holds for all"),
    ],
)
def test_groups_that_lose_their_thresholds_are_named(
    bolts: Trained, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], names: tuple[str, ...], told: str
) -> None:
    """They stay known: their pictures are no strangers', though nothing is promised of them."""
    good = pictures(tmp_path / "good", range(0))
    for number, name in enumerate(names):
        pictures(good / name, range(500 + 12 * number, 512 + 12 * number))

    assert main(flags(bolts, run, "--good", good, "--threshold", "7.5")) == 0

    calibration = read_calibration(run / "calibration.json")
    assert told in capsys.readouterr().out
    assert [(group.name, group.count, group.threshold) for group in calibration.groups] == [(name, 12, None) for name in names]
    standard = calibration.compared_with("a")
    assert (standard.name, standard.threshold, standard.is_promised, calibration.knows("a")) == ("pooled", 7.5, False, True)


def test_labels_without_a_threshold_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--threshold-from", "labels"]) == 2

    assert "--threshold-from labels says where the threshold is from: name it with --threshold" in capsys.readouterr().err


def test_small_groups_share_a_threshold_of_the_rest(
    bolts: Trained, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten of one camera; five of two others and one of none are the rest: enough together for 10 %."""
    good = pictures(tmp_path / "good", range(530, 531))
    for name, seeds in (("a", range(500, 510)), ("b", range(510, 515)), ("c", range(515, 520))):
        pictures(good / name, seeds)

    assert main(flags(bolts, run, "--good", good, "--fpr", "0.1")) == 0

    calibration = read_calibration(run / "calibration.json")
    of = {name: calibration.compared_with(name) for name in ("a", "b", "c", "d", None)}
    assert {name: (one.name, one.is_promised) for name, one in of.items()} == {
        "a": ("a", True), "b": ("rest", True), "c": ("rest", True), "d": ("rest", False), None: ("pooled", True),
    }  # fmt: skip
    assert calibration.rest.count == 11
    assert of["b"].threshold == calibration.rest.threshold == max(calibration.rest.scores)
    reference = load_bundle(run).reference
    assert {name: len(values["exposure"]) for name, values in reference.values.items()} == {"pooled": 21, "a": 10, "rest": 11}
    said = capsys.readouterr().out
    assert "group b: 5 pictures, too few that can be judged for a threshold of its own: that of the rest holds" in said
    assert "the rest, small groups and pictures of none: 11 pictures, threshold" in said
    assert "mixed as here; nothing is promised for one of them alone." in said
    assert "names a group not seen here, by that of the rest, and nothing is promised for it" in said
