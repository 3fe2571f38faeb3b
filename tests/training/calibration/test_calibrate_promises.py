"""The calibration command beyond one average rate: a rate kept with confidence, groups, and labelled defects."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from snag.core.calibration import conformal_threshold, read_calibration
from snag.core.errors import BadDataset
from snag.training.calibrate import calibrate, main, score_files
from snag.training.calibration.guarantee import guarantee
from snag.training.data.split import read_split
from tests.support.trained import SIZE, Trained
from tests.support.uncalibrated import pictures, settings, uncalibrated


@pytest.fixture
def run(bolts: Trained, tmp_path: Path) -> Path:
    return uncalibrated(bolts, tmp_path / "run")


def test_a_rate_that_is_kept_with_confidence_needs_a_higher_threshold(bolts: Trained, run: Path) -> None:
    """12 scores: 30 % on average is the tenth of them, with 90 % confidence the eleventh."""
    usual = calibrate(settings(bolts, run, fpr=0.3, confidence=0.9))
    sure = calibrate(settings(bolts, run, fpr=0.3, confidence=0.9, promise="confidence"))

    assert (usual.threshold, sure.threshold) == (usual.scores[9], usual.scores[10])
    assert read_calibration(run / "calibration.json") == sure
    assert sure.guarantee is not None
    assert sure.guarantee.bound <= 0.3 < guarantee(12, 10, 0.3, "average", 0.9).bound


def test_a_confidence_that_the_pictures_can_not_carry_names_how_many_could(
    bolts: Trained, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(bolts.data), "--run", str(run), "--fpr", "0.1", "--promise", "confidence"]

    assert main(arguments) == 2

    assert capsys.readouterr().err == (
        "error: 12 calibration pictures can't carry a false-alarm rate of 0.1 with 95 % confidence: at least 29 are needed "
        "(or ask for a rate of at least 0.221)\n"
    )


def test_more_pictures_that_can_not_be_judged_than_the_rate_allows_are_no_calibration(
    bolts: Trained, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of nineteen one is within 10 %; of twenty two are not: no threshold would stop fewer."""
    good = pictures(tmp_path / "good", range(500, 518))
    arguments = ["--data", str(bolts.data), "--run", str(run), "--fpr", "0.1", "--good", str(good)]
    Image.new("L", SIZE, 200).save(good / "nothing.png")

    assert main(arguments) == 0
    before = (run / "calibration.json").read_bytes()

    Image.new("L", SIZE, 190).save(good / "nothing else.png")

    assert main(arguments) == 2
    assert f"error: 2 of 20 calibration pictures can't be judged (their part or scene is not found; first {good}/nothing" in (
        capsys.readouterr().err
    )
    assert (run / "calibration.json").read_bytes() == before


def test_folders_below_the_good_pictures_are_groups(
    bolts: Trained, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A group with enough pictures has its own threshold, a smaller one shares the pooled one, made from all of them."""
    good = pictures(tmp_path / "good", range(500, 504))
    large, small = pictures(good / "camera-1", range(504, 514)), pictures(good / "camera-2", range(514, 518))

    main(["--data", str(bolts.data), "--run", str(run), "--good", str(good), "--fpr", "0.1"])

    calibration = read_calibration(run / "calibration.json")
    own, shared = calibration.groups
    scores = sorted(score_files(bolts.artifact, sorted(large.iterdir()))[0])
    assert (own.name, own.threshold) == ("camera-1", conformal_threshold(own.scores, 0.1))
    assert list(own.scores) == pytest.approx(scores)
    assert (shared.name, shared.threshold, shared.count) == ("camera-2", None, len(list(small.iterdir())))
    assert calibration.threshold == conformal_threshold(calibration.scores, 0.1)
    assert (calibration.count, calibration.knows("camera-2"), calibration.knows("camera-3")) == (18, True, False)
    said = capsys.readouterr().out
    assert "group camera-1: 10 pictures, threshold" in said
    assert "group camera-2: 4 pictures, too few that can be judged for a threshold of its own: the pooled one holds" in said


def test_a_list_may_say_which_picture_is_of_which_group(bolts: Trained, run: Path, tmp_path: Path) -> None:
    """Paths as in the data set; pictures that the list does not name are in no group."""
    kept = read_split(run / "split.json").calibrate
    lines = ["path,group", *(f"{name},night shift" for name in kept[:9]), "train/good/elsewhere.png,day"]
    (tmp_path / "groups.csv").write_text("\n".join(lines))

    calibration = calibrate(settings(bolts, run, groups=tmp_path / "groups.csv"))

    assert [(group.name, group.count) for group in calibration.groups] == [("night shift", 9)]
    assert calibration.groups[0].threshold == max(calibration.groups[0].scores)


def test_labelled_defects_choose_the_threshold_when_they_are_asked_to(
    bolts: Trained, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All methods are told side by side; the chosen one's threshold is written, and the scores still give p-values."""
    defects = pictures(tmp_path / "defects", range(700, 706), mark=True)
    costs = ["--miss-cost", "500", "--false-alarm-cost", "1", "--defect-share", "0.1"]
    arguments = ["--data", str(bolts.data), "--run", str(run), "--fpr", "0.1", "--defects", str(defects)]

    codes = [main([*arguments, *more]) for more in ([], ["--method", "youden"], [*costs, "--method", "cost"])]

    calibration = read_calibration(run / "calibration.json")
    said = capsys.readouterr().out.splitlines()
    assert codes == [0, 0, 0]
    assert calibration.method == "cost"
    assert [choice.method for choice in calibration.comparisons] == ["split-conformal", "youden", "cost"]
    assert calibration.threshold == calibration.comparisons[2].threshold
    assert calibration.scores == bolts.calibration.scores
    assert all((choice.defects, choice.good) == (6, 12) for choice in calibration.comparisons)
    assert [line.split()[0] for line in said[-4:-1]] == ["split-conformal", "youden", "cost"]
    assert "a threshold that was chosen by its results is promised less" in said[-6]


def test_the_test_set_chooses_no_threshold(bolts: Trained, run: Path, tmp_path: Path) -> None:
    """Not even under another name: the report would praise what it was made with."""
    data = shutil.copytree(bolts.data, tmp_path / "data")
    pictures(data / "test", range(700, 702))
    defects = pictures(tmp_path / "defects", range(700, 701))

    with pytest.raises(BadDataset, match=r"700\.png is a picture of .*test: what a threshold is chosen with can't test it"):
        calibrate(settings(bolts, run, data=data, defects=defects))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--threshold", "3", "--method", "youden"], "leave one out"),
        (["--threshold", "3", "--promise", "confidence"], "only --method conformal keeps a rate with confidence"),
        (["--method", "youden", "--defects", "d", "--groups", "g"], "only --method conformal"),
        (["--method", "youden"], "--method youden looks at labelled defects: name their folder with --defects"),
        (["--method", "cost", "--defects", "d"], "expected both --miss-cost and --false-alarm-cost, and --defects"),
        (["--miss-cost", "3", "--defects", "d"], "expected both --miss-cost and --false-alarm-cost, and --defects"),
        (["--miss-cost", "3", "--false-alarm-cost", "3"], "expected both --miss-cost and --false-alarm-cost, and --defects"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2

    assert sentence in capsys.readouterr().err
