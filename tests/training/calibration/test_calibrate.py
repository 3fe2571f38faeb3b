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

from snag.core.artifact import load_artifact, save_artifact
from snag.core.calibration import Calibration, conformal_threshold, read_calibration
from snag.core.errors import BadArtifact, BadDataset, NoPictures, TooFewCalibrationPictures, UnreadablePictures
from snag.core.picture import decode
from snag.training.calibrate import CalibrateSettings, calibrate, main, score_files
from snag.training.calibration.guarantee import guarantee
from snag.training.calibration.highest import FILE
from snag.training.data.dataset import LIMITS, digest_of
from snag.training.data.split import read_split, write_split
from tests.support.fakes import tiny_artifact
from tests.support.parts import as_bytes, draw_scene, good_picture
from tests.support.trained import RATE, SIZE, Trained
from tests.support.uncalibrated import pictures, settings, uncalibrated


@pytest.fixture
def run(bolts: Trained, tmp_path: Path) -> Path:
    return uncalibrated(bolts, tmp_path / "run")


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
    monkeypatch.setattr("snag.training.calibrate.score_files", lambda *_: pytest.fail("scored all the same"))

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

    assert (calibration.threshold, calibration.method, calibration.rate) == (7.5, "manual", None)
    assert calibration.scores == bolts.calibration.scores
    assert read_calibration(run / "calibration.json") == calibration


def test_good_pictures_that_can_not_be_aligned_count_as_the_worst(
    bolts: Trained, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They will be rejected when they are served: leaving them out would promise too low a rate."""
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
    monkeypatch.setattr("snag.training.calibrate.score_files", lambda *_: ([1.0] * 11 + [float("nan")], [1.0] * 12))

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
        "Of 1,000 good parts, on average at most 154 are rejected (asked: 200); with 95 % confidence at most 339.\n"
        "With 24 calibration pictures instead of 12 it would be at most 342, with 49 299, with 124 262. "
        "14 pictures are enough for PROMISE=confidence.\n"
        "With 14 instead of 12 pictures you get the 20 % that you asked for; now it is 15.4 %.\n"
        f"{run / FILE}: the highest scores. A picture that shows a defect holds the threshold up: see EXCLUDE\n"
    )


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
