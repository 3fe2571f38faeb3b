"""Many parts: each trained, calibrated and packed once, what is done left alone, what failed named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from snag.core.calibration import read_calibration, write_calibration
from snag.core.errors import BadConfig, DiskFull, NoPictures, PartsFailed
from snag.training import train_all as command
from snag.training.train_all import TrainAllSettings, train_all
from tests.support.parts import write_data_set
from tests.support.stages import given, leave


@pytest.fixture
def settings(tmp_path: Path) -> TrainAllSettings:
    """Two data folders, and one that is none."""
    for name in ("nut", "bolt"):
        (tmp_path / "data" / name / "train/good").mkdir(parents=True)
    (tmp_path / "data/notes").mkdir()
    return TrainAllSettings(data_root=tmp_path / "data", runs=tmp_path / "runs", model_store=tmp_path / "store")


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Stages that leave the files that the real ones leave, in no time; those of a part called "bad" fail."""
    calls: list[tuple[str, str]] = []

    def stage(verb, flags):
        name = Path(given(flags)["--run"]).name
        calls.append((name, verb))
        leave(verb, flags)
        return int(name == "bad")

    monkeypatch.setattr(command, "run_verb", stage)
    return calls


def test_every_part_goes_through_every_stage(settings, ran) -> None:
    """Parts go one after the other, in the order of their names; the summary has a line for each."""
    train_all(settings)

    assert ran == [(name, stage) for name in ("bolt", "nut") for stage in ("train", "calibrate", "archive")]
    rows = json.loads((settings.runs / "train-all.json").read_text())
    assert [(row["model"], row["rate"], row["calibrated on"]) for row in rows] == [("bolt", 0.05, 40), ("nut", 0.05, 40)]
    assert (settings.runs / "train-all.md").read_text().count("\n") == 4


def test_what_is_done_is_left_alone(settings, ran) -> None:
    """A second call asks training alone, which finds that it has nothing to do."""
    train_all(settings)
    ran.clear()

    train_all(settings)

    assert ran == [("bolt", "train"), ("nut", "train")]


def test_it_goes_on_in_the_middle(settings, ran) -> None:
    """After a stop between two stages the next call begins with what is missing."""
    train_all(settings)
    ran.clear()
    (settings.model_store / "bolt.mar").unlink()
    (settings.runs / "nut/calibration.json").unlink()

    train_all(settings)

    assert ran == [("bolt", "train"), ("bolt", "archive"), ("nut", "train"), ("nut", "calibrate"), ("nut", "archive")]


def test_a_threshold_that_was_set_on_purpose_stays(settings, ran) -> None:
    """One that was made for no rate is not made anew for lack of it."""
    train_all(settings)
    path = settings.runs / "bolt" / "calibration.json"
    write_calibration(replace(read_calibration(path), method="manual", rate=None, threshold=7.5), path)
    ran.clear()

    train_all(settings)

    assert ("bolt", "calibrate") not in ran
    assert read_calibration(path).threshold == 7.5


def test_another_rate_means_another_calibration(settings, ran) -> None:
    """What was calibrated for another rate is calibrated and packed again."""
    train_all(settings)
    ran.clear()

    train_all(settings.model_copy(update={"fpr": 0.1, "index": 0}))

    assert ran == [("bolt", "train"), ("bolt", "calibrate"), ("bolt", "archive")]


def test_one_that_fails_does_not_stop_the_others(settings, ran) -> None:
    """The others are done; the command fails and names those that are not."""
    (settings.data_root / "bad/train/good").mkdir(parents=True)

    with pytest.raises(PartsFailed, match="1 of 3 parts failed: bad; the others are done"):
        train_all(settings)

    assert ran == [("bad", "train")] + [
        (name, stage) for name in ("bolt", "nut") for stage in ("train", "calibrate", "archive")
    ]


def test_pods_of_a_job_share_the_parts(settings, ran, capsys) -> None:
    """Each index does its own part; one beyond the last has nothing to do."""
    for index in (1, 0, 2):
        train_all(settings.model_copy(update={"index": index}))

    assert list(dict.fromkeys(name for name, _ in ran)) == ["nut", "bolt"]
    assert "there is no part 2" in capsys.readouterr().out


def test_nothing_to_train(settings, tmp_path) -> None:
    """A folder without data folders is refused."""
    with pytest.raises(NoPictures):
        train_all(settings.model_copy(update={"data_root": tmp_path / "data/notes"}))


def test_a_part_whose_folder_no_address_can_hold_gets_a_name_and_is_told_so(settings, ran, capsys) -> None:
    """In model, run and archive alike."""
    (settings.data_root / "M8 screw (new)/train/good").mkdir(parents=True)

    train_all(settings.model_copy(update={"index": 0}))

    assert "model M8-screw-new, after the folder 'M8 screw (new)'" in capsys.readouterr().out
    assert (settings.runs / "M8-screw-new/snag.pt").exists()
    assert (settings.model_store / "M8-screw-new.mar").exists()


def test_two_folders_whose_models_would_be_called_the_same_are_refused_before_any_work(settings, ran) -> None:
    for folder in ("screw (1)", "screw(1)"):
        (settings.data_root / folder / "train/good").mkdir(parents=True)

    with pytest.raises(BadConfig, match=r"screw \(1\) and .*screw\(1\) would both be called screw-1"):
        train_all(settings)
    assert ran == []


@pytest.mark.parametrize("what", ["runs", "model_store"])
def test_a_folder_that_can_not_take_the_results_is_refused_before_any_work(settings, ran, tmp_path, what) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DiskFull, match="file is there and is no folder"):
        train_all(settings.model_copy(update={what: tmp_path / "file" / "below"}))
    assert ran == []


@pytest.mark.slow
def test_two_real_parts(tmp_path) -> None:
    """With the real commands two small parts become two archives."""
    for name in ("bolt", "nut"):
        write_data_set(tmp_path / "data" / name, 40, (128, 128))
    small = "--pixels 4096 --base-channels 8 --bottleneck 16 --weight-channels 8 --epochs 1 --batch-size 4 --precision float32"
    shares = "--standardise-share 0.2 --calibrate-share 0.5"
    place = ["--data-root", str(tmp_path / "data"), "--runs", str(tmp_path / "runs"), "--model-store", str(tmp_path / "store")]

    assert command.main([*place, "--preset", "quick", "--fpr", "0.1", "--extra", f"{small} {shares}"]) == 0

    assert sorted(path.name for path in (tmp_path / "store").glob("*.mar")) == ["bolt.mar", "nut.mar"]
    calibration = read_calibration(tmp_path / "runs/nut/calibration.json")
    assert calibration.rate == 0.1
