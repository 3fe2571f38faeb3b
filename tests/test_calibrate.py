"""The calibration command: the threshold by the rule, on pictures that training never saw, in one line when it can't be."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import torch
from PIL import Image

from snag.artifact import load_artifact, save_artifact
from snag.calibration import Calibration, conformal_threshold, read_calibration
from snag.errors import BadArtifact, BadDataset, NoPictures, TooFewCalibrationPictures, UnreadablePictures
from snag.picture import decode
from tests.fakes import tiny_artifact
from tests.parts import as_bytes, draw_scene, good_picture
from tests.trained import RATE, SIZE, Trained
from training.calibrate import CalibrateSettings, calibrate, main, score_files
from training.dataset import LIMITS, digest_of, read_split, write_split
from training.guarantee import guarantee


@pytest.fixture
def run(bolts: Trained, tmp_path: Path) -> Path:
    """A run folder of one's own, not calibrated yet."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("snag.pt", "split.json"):
        shutil.copyfile(bolts.run / name, folder / name)
    return folder


def settings(bolts: Trained, run: Path, **changes: object) -> CalibrateSettings:
    return CalibrateSettings(**({"data": bolts.data, "run": run, "fpr": RATE} | changes))


def pictures(folder: Path, seeds: range, **looks: object) -> Path:
    folder.mkdir(exist_ok=True)
    for seed in seeds:
        Image.fromarray(as_bytes(good_picture(seed, SIZE, **looks))).save(folder / f"{seed}.png")
    return folder


def test_the_scores_are_the_artefacts_on_the_split_off_pictures_sorted(bolts: Trained) -> None:
    names = read_split(bolts.run / "split.json").calibrate
    each = [bolts.artifact.score([decode((bolts.data / name).read_bytes(), LIMITS)])[0].anomaly_score for name in names]

    assert list(bolts.calibration.scores) == pytest.approx(sorted(each), rel=1e-5)
    assert bolts.calibration.count == 12


def test_the_file_says_what_it_was_made_from(bolts: Trained) -> None:
    names = read_split(bolts.run / "split.json").calibrate

    written = bolts.calibration

    assert written == Calibration(
        scores=written.scores,
        rate=RATE,
        threshold=conformal_threshold(written.scores, RATE),
        method="split-conformal",
        score_unit=bolts.artifact.score_unit,
        artifact=bolts.artifact.fingerprint,
        data_digest=digest_of([bolts.data / name for name in names], bolts.data),
        created=written.created,
        guarantee=guarantee(12, 12, RATE, "average", 0.95),
    )
    assert datetime.fromisoformat(written.created).utcoffset() is not None


def test_no_calibration_picture_was_seen_by_training(bolts: Trained) -> None:
    split = read_split(bolts.run / "split.json")

    assert not set(split.calibrate) & {*split.fit, *split.standardise}
    assert bolts.artifact.settings["fit_pictures"] + bolts.artifact.settings["standardise_pictures"] + 12 == 40


def test_the_threshold_follows_the_rate(bolts: Trained, run: Path) -> None:
    """12 scores: at 10 % the greatest, at 20 % the second greatest, at 50 % the seventh from below."""
    scores = bolts.calibration.scores

    thresholds = [calibrate(settings(bolts, run, fpr=rate)).threshold for rate in (0.1, 0.2, 0.5)]

    assert thresholds == [scores[11], scores[10], scores[6]]


def test_calibrating_again_gives_the_same_scores(bolts: Trained, run: Path) -> None:
    again = calibrate(settings(bolts, run))

    assert (again.scores, again.threshold, again.artifact) == (
        bolts.calibration.scores,
        bolts.calibration.threshold,
        bolts.calibration.artifact,
    )
    assert read_calibration(run / "calibration.json") == again


def test_too_few_pictures_for_the_rate_is_an_error_before_any_is_scored(
    bolts: Trained, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.calibrate.score_files", lambda *_: pytest.fail("scored all the same"))

    with pytest.raises(TooFewCalibrationPictures) as caught:
        calibrate(settings(bolts, run, fpr=0.05))

    assert str(caught.value) == (
        "12 calibration pictures can't carry a false-alarm rate of 0.05: at least 19 are needed "
        "(or ask for a rate of at least 0.077)"
    )
    assert not (run / "calibration.json").exists()


def test_a_failed_calibration_leaves_the_last_one_alone(bolts: Trained, run: Path) -> None:
    calibrate(settings(bolts, run))
    before = (run / "calibration.json").read_bytes()

    with pytest.raises(TooFewCalibrationPictures):
        calibrate(settings(bolts, run, fpr=0.01))

    assert (run / "calibration.json").read_bytes() == before


def test_other_good_pictures_can_take_the_place_of_the_split_off_ones(bolts: Trained, run: Path, tmp_path: Path) -> None:
    """In any folder below the named one; other files beside them are no pictures."""
    good = pictures(tmp_path / "good", range(500, 506))
    pictures(good / "more", range(506, 511))
    (good / "notes.txt").write_text("taken on Monday")
    (good / "folder.png").mkdir()

    calibration = calibrate(settings(bolts, run, good=good))

    paths = sorted(path for path in good.rglob("*.png") if path.is_file())
    assert calibration.count == 11
    assert list(calibration.scores) == sorted(score_files(bolts.artifact, paths)[0])
    assert calibration.data_digest == digest_of(paths, good)


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_without_pictures_is_an_error(bolts: Trained, run: Path, tmp_path: Path, there: bool) -> None:
    good = tmp_path / "good"
    if there:
        good.mkdir()

    with pytest.raises(NoPictures, match="expected good pictures to calibrate on"):
        calibrate(settings(bolts, run, good=good))


def test_a_threshold_set_by_hand_is_kept_and_the_scores_still_give_p_values(bolts: Trained, run: Path) -> None:
    """Also with fewer pictures than the rate needs: nothing is promised."""
    calibration = calibrate(settings(bolts, run, fpr=0.01, threshold=7.5))

    assert (calibration.threshold, calibration.method, calibration.rate) == (7.5, "manual", 0.01)
    assert calibration.scores == bolts.calibration.scores
    assert read_calibration(run / "calibration.json") == calibration


def test_good_pictures_that_can_not_be_aligned_count_as_the_worst(
    bolts: Trained, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They will be stopped when they are served: leaving them out would promise too low a rate."""
    good = pictures(tmp_path / "good", range(500, 518))
    Image.fromarray(as_bytes(draw_scene(SIZE, [], noise_seed=0))).save(good / "empty.png")
    Image.fromarray(as_bytes(draw_scene(SIZE, [], noise_seed=1))).save(good / "empty too.png")

    code = main(["--data", str(bolts.data), "--run", str(run), "--good", str(good), "--fpr", "0.15"])

    calibration = read_calibration(run / "calibration.json")
    assert code == 0
    assert calibration.count == 20
    assert calibration.scores[-2:] == (1e6, 1e6)
    assert calibration.threshold == calibration.scores[17] < 1e5
    assert "from 20 good pictures" in capsys.readouterr().out


def test_scores_do_not_depend_on_how_the_pictures_are_batched(bolts: Trained, tmp_path: Path) -> None:
    paths = sorted(pictures(tmp_path / "good", range(500, 507)).iterdir())

    scores, peaks = score_files(bolts.artifact, paths)
    alone = [score_files(bolts.artifact, [path]) for path in paths]

    assert scores == pytest.approx([score for (score,), _ in alone], rel=1e-5)
    assert peaks == pytest.approx([peak for _, (peak,) in alone], rel=1e-5)


def test_a_picture_that_broke_is_named(bolts: Trained, run: Path, tmp_path: Path) -> None:
    good = pictures(tmp_path / "good", range(500, 512))
    (good / "505.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(UnreadablePictures, match=r"505\.png"):
        calibrate(settings(bolts, run, good=good))


@pytest.mark.parametrize("what", ["one vanished", "one changed", "one more", "all others"])
def test_pictures_that_the_model_was_not_trained_on_are_refused(bolts: Trained, run: Path, tmp_path: Path, what: str) -> None:
    """The split's names exist in many a data set: calibrated on other parts, the threshold would promise nothing."""
    data = shutil.copytree(bolts.data, tmp_path / "data")
    name = read_split(run / "split.json").calibrate[3]
    if what == "one vanished":
        (data / name).unlink()
    elif what == "one changed":
        (data / name).write_bytes((data / read_split(run / "split.json").fit[0]).read_bytes())
    elif what == "one more":
        pictures(data / "train" / "good", range(900, 901))
    else:
        for index, path in enumerate(sorted((data / "train" / "good").iterdir())):
            Image.fromarray(as_bytes(good_picture(600 + index, (64, 64)))).save(path)

    with pytest.raises(BadDataset, match=r"does not hold the pictures that .* was trained on, or no longer the same"):
        calibrate(settings(bolts, run, data=data))


@pytest.mark.parametrize("threshold", [None, 3.0])
def test_without_a_share_for_calibration_other_pictures_are_asked_for(
    bolts: Trained, run: Path, threshold: float | None
) -> None:
    split = read_split(run / "split.json")
    write_split(replace(split, fit=(*split.fit, *split.calibrate), calibrate=()), run / "split.json")

    with pytest.raises(NoPictures, match="expected good pictures of another folder in --good"):
        calibrate(settings(bolts, run, threshold=threshold))


def test_a_mean_score_gets_a_level_for_its_map_by_the_same_rule(run: Path, bolts: Trained, tmp_path: Path) -> None:
    """The mean over a picture says nothing of how high its map may rise."""
    artifact = load_artifact(run / "snag.pt")
    save_artifact(artifact.script, artifact.settings | {"score": "mse"}, run / "snag.pt")
    good = pictures(tmp_path / "good", range(500, 511))

    calibration = calibrate(settings(bolts, run, good=good, fpr=0.25))

    peaks = sorted(score_files(load_artifact(run / "snag.pt"), sorted(good.iterdir()))[1])
    assert calibration.map_level == peaks[8]
    assert bolts.calibration.map_level is None


@pytest.mark.parametrize("what", ["missing", "damaged"])
@pytest.mark.parametrize("name", ["snag.pt", "split.json"])
def test_a_run_without_its_model_or_split_is_an_error_that_says_what_to_run(
    bolts: Trained, run: Path, name: str, what: str
) -> None:
    if what == "missing":
        (run / name).unlink()
    else:
        (run / name).write_bytes(b"damaged")

    with pytest.raises(BadArtifact) as caught:
        calibrate(settings(bolts, run))

    assert str(caught.value).startswith(f"{run / name}: ")
    assert what == "damaged" or "run `make train`" in str(caught.value)


@pytest.mark.parametrize("threshold", [[], ["--threshold", "3"]])
def test_scores_that_are_no_numbers_are_an_error(
    threshold: list[str], bolts: Trained, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.calibrate.score_files", lambda *_: ([1.0] * 11 + [float("nan")], [1.0] * 12))

    assert main(["--data", str(bolts.data), "--run", str(run), "--fpr", "0.1", *threshold]) == 2

    assert capsys.readouterr().err == "error: 1 of 12 scores are not finite numbers; train the model again\n"
    assert not (run / "calibration.json").exists()


@pytest.mark.parametrize("arguments", [["--fpr", "0"], ["--fpr", "1"], ["--fpr", "much"], ["--threshold", "nan"]])
def test_a_rate_or_threshold_that_makes_no_sense_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2

    assert capsys.readouterr().err.startswith(f"error: {arguments[0].removeprefix('--')} = '{arguments[1]}': ")


def test_the_command_tells_threshold_rate_and_count(bolts: Trained, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(bolts.data), "--run", str(run), "--fpr", "0.2"]) == 0

    assert capsys.readouterr().out == (
        f"threshold {bolts.calibration.scores[10]:.6g} (split-conformal) for a false-alarm rate of 0.2, "
        "from 12 good pictures that training never saw; 1 of them lie above it\n"
        "Of 1,000 good parts, on average at most 154 are stopped; with 95 % confidence at most 339.\n"
        "With 24 calibration pictures instead of 12 it would be at most 342, with 48 281, with 120 261. "
        "14 pictures are enough for PROMISE=confidence.\n"
    )


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
    assert "group camera-2: 4 pictures, too few for a threshold of its own: the pooled one holds" in said


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
    assert [choice.method for choice in calibration.choices] == ["split-conformal", "youden", "cost"]
    assert calibration.threshold == calibration.choices[2].threshold
    assert calibration.scores == bolts.calibration.scores
    assert all((choice.defects, choice.good) == (6, 12) for choice in calibration.choices)
    assert [line.split()[0] for line in said[-3:]] == ["split-conformal", "youden", "cost"]
    assert "a threshold that was chosen by its results is promised less" in said[-5]


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


def test_the_file_is_readable(bolts: Trained) -> None:
    text = (bolts.run / "calibration.json").read_text()

    assert next(iter(json.loads(text))) == "count"
    assert len(text.splitlines()) > 20


def test_any_artefact_is_calibrated_with_its_own_unit_and_fingerprint(bolts: Trained, tmp_path: Path) -> None:
    """The command knows nothing of the detector behind it."""
    artifact = tiny_artifact(tmp_path)

    calibration = calibrate(
        CalibrateSettings(run=tmp_path, fpr=0.1, good=pictures(tmp_path / "good", range(500, 512))),
    )

    assert (calibration.score_unit, calibration.artifact) == (artifact.score_unit, artifact.fingerprint)
    assert calibration.artifact != bolts.artifact.fingerprint
    assert torch.tensor(calibration.scores).isfinite().all()
    assert load_artifact(tmp_path / "snag.pt").fingerprint == calibration.artifact
