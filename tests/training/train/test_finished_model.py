"""A finished model: the same wherever it lies, never trained over unasked, and what becomes of an unfinished one."""

from __future__ import annotations

import shutil
import signal
from functools import partial
from pathlib import Path

import pytest
import torch
from PIL import Image

from snag.core.artifact import load_artifact, save_artifact
from snag.training import train
from snag.training.data.split import read_split
from tests.support.children import signal_at_step
from tests.support.parts import as_bytes, good_picture
from tests.support.tiny_training import STEPS, here, in_child


def test_a_run_and_its_pictures_may_move(data: Path, whole_run: Path, tmp_path: Path) -> None:
    """What it is follows from what it holds: neither names nor the ages of copied files count, nor what else lies there."""
    pictures = shutil.copytree(data, tmp_path / "M8 screw (new)", copy_function=shutil.copyfile)
    run = shutil.copytree(whole_run, tmp_path / "größe", copy_function=shutil.copyfile)
    (run / "config.json").unlink()
    before = files_of(run)

    assert "already trained" in in_child(pictures, run).out
    assert files_of(run) == before


def files_of(run: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


@pytest.mark.parametrize("what", ["settings", "pictures"])
def test_a_finished_model_is_not_trained_over_unasked(
    what: str, data: Path, whole_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is refused, or kept where that was asked for, with what differs; anew it owes nothing to what was there."""
    run = shutil.copytree(whole_run, tmp_path / "run")
    flags: list[str] = ["--epochs", "2"]
    differs = "its epochs was 3, not 2"
    if what == "pictures":
        data, flags = shutil.copytree(data, tmp_path / "data"), []
        Image.fromarray(as_bytes(good_picture(77, (48, 48)))).save(data / "train" / "good" / "one_more.png")
        differs = f"{data / 'train' / 'good'} does not hold the pictures that it was trained on"

    before = files_of(run)
    codes = [here(data, run, *flags), here(data, run, *flags, "--nproc", "2"), here(data, run, *flags, "--keep-finished")]

    assert codes == [2, 2, 0]
    assert files_of(run) == before
    refused = f"error: {run / 'snag.pt'} is finished and stays as it is: {differs}. FRESH=1 (--fresh) trains anew"
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith(refused) for line in lines[:2]] == [True, True]
    assert lines[2] == f"warning: {run / 'snag.pt'} is used as it is: {differs}. FRESH=1 (--fresh) trains anew"

    anew = in_child(data, run, *flags, "--fresh")
    in_child(data, tmp_path / "other", *flags)

    assert anew.code == 0
    assert "settings or pictures changed: training starts anew; the old checkpoint.pt is kept as checkpoint.old.pt" in anew.out
    for name in ("checkpoint.pt", "snag.pt", "split.json", "config.json"):
        kept = (run / name).with_suffix(f".old{Path(name).suffix}")
        assert kept.read_bytes() == (whole_run / name).read_bytes()
    assert (run / "snag.pt").read_bytes() == (tmp_path / "other" / "snag.pt").read_bytes()


def test_a_finished_run_is_trained_anew_when_asked_and_goes_on_when_that_was_interrupted(
    data: Path, whole_run: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(whole_run, tmp_path / "run")

    in_child(data, run, "--fresh", before=partial(signal_at_step, STEPS + 2, signal.SIGKILL))
    done = torch.load(run / "checkpoint.pt", weights_only=True)["epoch"]
    resumed = in_child(data, run, "--fresh")

    assert done == 1
    assert "anew" not in resumed.out
    assert (run / "snag.pt").read_bytes() == (run / "snag.old.pt").read_bytes() == (whole_run / "snag.pt").read_bytes()


def test_who_keeps_a_model_need_not_say_again_how_it_was_made(
    data: Path, whole_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only what is asked for by name is compared."""
    place = ["--data", str(data), "--run", str(whole_run), "--keep-finished"]

    assert [train.main([*place, *flags]) for flags in ([], ["--preset", "default"], ["--seed", "4"])] == [0, 0, 0]

    said = capsys.readouterr()
    assert said.out == f"{whole_run / 'snag.pt'} is already trained on these pictures\n"
    assert [line.partition("as it is: ")[2] for line in said.err.splitlines()] == [
        "its preset was quick, not default. FRESH=1 (--fresh) trains anew",
        "its seed was 0, not 4. FRESH=1 (--fresh) trains anew",
    ]


def test_an_unfinished_run_of_other_settings_starts_anew_and_says_so(data: Path, whole_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(whole_run, tmp_path / "run")
    (run / "snag.pt").unlink()

    anew = in_child(data, run, "--epochs", "1")

    assert anew.code == 0
    assert "settings or pictures changed: training starts anew; the old checkpoint.pt is kept as checkpoint.old.pt" in anew.out


def test_an_interrupted_run_of_other_settings_leaves_no_artefact_that_its_split_does_not_fit(
    data: Path, whole_run: Path, tmp_path: Path
) -> None:
    """Calibrating the old artefact on the new split would score pictures that it was trained on."""
    shutil.copytree(whole_run, tmp_path / "run")

    in_child(data, tmp_path / "run", "--seed", "5", "--fresh", before=partial(signal_at_step, 1, signal.SIGINT))

    assert not (tmp_path / "run" / "snag.pt").exists()
    assert read_split(tmp_path / "run" / "split.json") != read_split(whole_run / "split.json")


def test_features_are_a_setting_like_others_of_which_nothing_stays_when_it_is_changed(
    data: Path, whole_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With them the networks see other pictures: a finished model stays, and an unfinished run starts anew."""
    run = shutil.copytree(whole_run, tmp_path / "run")

    assert here(data, run, "--features") == 2
    assert f"{run / 'snag.pt'} is finished and stays as it is: its features was False, not True" in capsys.readouterr().err

    (run / "snag.pt").unlink()
    assert "settings or pictures changed: training starts anew" in in_child(data, run, "--features", "--epochs", "1").out


def test_a_setting_that_is_newer_than_the_model_counts_with_its_default(
    data: Path, whole_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(whole_run, tmp_path / "run")
    artifact = load_artifact(run / "snag.pt")
    older = {name: value for name, value in artifact.settings["training"].items() if name != "noise"}
    save_artifact(artifact.script, {**artifact.settings, "training": older}, run / "snag.pt")

    assert here(data, run) == 0
    assert here(data, run, "--noise", "0.02") == 2
    assert "its noise was 0.01, not 0.02" in capsys.readouterr().err
