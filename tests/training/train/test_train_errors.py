"""What goes wrong while training: damaged files, useless pictures, a full disk; clear errors, and nothing half written."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from snag.cli.lock import held
from tests.support.children import events_fail, files_of_at_most, signal_at_step
from tests.support.tiny_training import here, in_child, is_one_error, last_line

# --- what goes wrong --------------------------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_ends_the_run_in_one_line_without_an_artefact(data: Path, tmp_path: Path) -> None:
    ended = in_child(data, tmp_path, "--learning-rate", "1e30")

    assert is_one_error(ended)
    assert last_line(ended.err).startswith("error: the loss became nan in epoch 1, step ")
    assert last_line(ended.err).endswith("Try a smaller --learning-rate")
    assert not (tmp_path / "snag.pt").exists()
    assert not (tmp_path / "checkpoint.pt").exists()


def test_a_last_step_that_explodes_exports_nothing(data: Path, tmp_path: Path) -> None:
    """No loss is ever computed of the weights after it."""
    ended = in_child(data, tmp_path, "--learning-rate", "1e30", "--epochs", "1", "--batch-size", "64", "--ema-decay", "0")

    assert is_one_error(ended)
    assert not (tmp_path / "snag.pt").exists()


def test_a_run_that_another_command_is_training_is_refused_and_left_as_it_is(
    data: Path, whole_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two would take each other's half-written files for what a killed run left behind."""
    run = unfinished(whole_run, tmp_path / "run").parent
    half_written = run / ".checkpoint.pt.x.part"
    half_written.touch()
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}

    with held(run, "training into"):
        assert here(data, run) == 2

    error = f"error: another command is training into {run}: let it finish, or stop it"
    assert last_line(capsys.readouterr().err) == error
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_a_run_whose_training_was_killed_is_free_again(data: Path, tmp_path: Path) -> None:
    assert in_child(data, tmp_path, before=partial(signal_at_step, 4, signal.SIGKILL)).code == -signal.SIGKILL

    with held(tmp_path, "training into"):
        assert (tmp_path / "checkpoint.pt").exists()


def unfinished(whole_run: Path, run: Path) -> Path:
    """A copy of a run whose artefact is still to be made; its checkpoint."""
    shutil.copytree(whole_run, run)
    (run / "snag.pt").unlink()
    return run / "checkpoint.pt"


DAMAGES = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-500]),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not a checkpoint"),
    "another zip": lambda path: path.write_bytes(b"PK\5\6" + bytes(18)),
    "a tensor": lambda path: torch.save(torch.zeros(3), path),
    "another dictionary": lambda path: torch.save({"weights": torch.zeros(3)}, path),
    "of other networks": lambda path: torch.save({"learner": {"networks": {}, "averaged": {}, "optimizer": {}}}, path),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_an_error_that_says_what_to_do(
    damage: str, data: Path, whole_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = unfinished(whole_run, tmp_path / "run")
    DAMAGES[damage](checkpoint)

    assert here(data, tmp_path / "run") == 2

    line = last_line(capsys.readouterr().err)
    assert line.startswith(f"error: {checkpoint}: ")
    assert line.endswith("; remove it to train from the start")
    assert not (tmp_path / "run" / "snag.pt").exists()


def test_a_checkpoint_never_runs_code(data: Path, whole_run: Path, tmp_path: Path) -> None:
    """A pickle that would create a file when loaded by a careless program."""
    checkpoint = unfinished(whole_run, tmp_path / "run")
    torch.save({"learner": _Mischief(str(tmp_path / "created"))}, checkpoint)

    assert here(data, tmp_path / "run") == 2
    assert not (tmp_path / "created").exists()


class _Mischief:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (os.mkdir, (self.path,))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"settings": 3, "data_digest": "0"}'])
def test_a_damaged_configuration_is_an_error_that_says_what_to_do(
    text: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text(text)

    assert here(data, tmp_path) == 2

    line = last_line(capsys.readouterr().err)
    assert line.startswith(f"error: {tmp_path / 'config.json'}: not a run's configuration")
    assert line.endswith("; remove it to train from the start")


def test_a_damaged_artefact_is_made_again_from_the_checkpoint(data: Path, whole_run: Path, tmp_path: Path) -> None:
    shutil.copytree(whole_run, tmp_path / "run")
    (tmp_path / "run" / "snag.pt").write_bytes(b"damaged")

    again = in_child(data, tmp_path / "run")

    assert again.code == 0
    assert (tmp_path / "run" / "snag.pt").read_bytes() == (whole_run / "snag.pt").read_bytes()


def _spoil(data: Path, how: str) -> str:
    """Spoil a copied data set; what the error must say."""
    good = sorted((data / "train" / "good").iterdir())
    if how == "empty":
        shutil.rmtree(data / "train" / "good")
        return f"no pictures in {data / 'train' / 'good'}"
    if how == "few":
        for path in good[5:]:
            path.unlink()
        return "5 good pictures in"
    if how == "unreadable":
        good[3].write_bytes(good[3].read_bytes()[:100])
        return "003.png"
    for path in good[1:]:
        shutil.copyfile(good[0], path)
    return "1 different good pictures in"


@pytest.mark.parametrize("how", ["empty", "few", "unreadable", "all the same"])
def test_pictures_that_can_not_be_learnt_from_are_an_error_in_one_line(
    how: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = _spoil(shutil.copytree(data, tmp_path / "data"), how)

    assert here(tmp_path / "data", tmp_path / "run") == 2

    line = last_line(capsys.readouterr().err)
    assert line.startswith("error: ")
    assert expected in line
    assert not (tmp_path / "run" / "snag.pt").exists()


# --- a full disk ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "file"),
    [pytest.param(900, "config.json", marks=pytest.mark.slow), (5000, ".npy"), (60_000, "checkpoint.pt")],
    ids=["settings", "cache", "checkpoint"],
)
def test_a_file_that_can_not_grow_is_an_error_in_one_line_and_none_is_half_written(
    size: int, file: str, data: Path, whole_run: Path, tmp_path: Path
) -> None:
    ended = in_child(data, tmp_path, before=partial(files_of_at_most, size))
    left = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    again = in_child(data, tmp_path)

    assert is_one_error(ended)
    assert last_line(ended.err).startswith("error: can't write ")
    assert file in last_line(ended.err)
    assert not [path for path in left if path.suffix == ".part" or path.name == "snag.pt"]
    assert again.code == 0
    assert (tmp_path / "snag.pt").read_bytes() == (whole_run / "snag.pt").read_bytes()


def test_curves_that_can_not_be_written_are_an_error_in_one_line(data: Path, tmp_path: Path) -> None:
    """Not a thread's trace, and nobody waits for the dead thread."""
    ended = in_child(data, tmp_path, before=partial(events_fail))

    assert is_one_error(ended)
    assert last_line(ended.err) == (
        f"error: can't write {tmp_path / 'tensorboard'}: [Errno 28] No space left on device; nothing was overwritten"
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB; skipped where mounting is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system is not allowed here; the limits on file sizes above have to do")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_fills_up_at_any_moment_is_an_error_in_one_line(data: Path, whole_run: Path, small_disk: Path) -> None:
    """Before the settings, in a memory-mapped cache (where writing would be a bus error), in curves, in the checkpoint, in
    the artefact: and with room again the run goes on to the same result."""
    run, ballast = small_disk / "run", small_disk / "ballast"
    pages = {path.name: -(-path.stat().st_size // 4096) for path in whole_run.rglob("*") if path.is_file()}
    caches = sorted((whole_run / "cache").glob("*.npy"), key=lambda path: path.stat().st_mtime)
    first, second = (pages[path.name] for path in caches)
    until_curves = 2 + first + 1 + second + 1
    checkpoint = pages["checkpoint.pt"]
    frees = [0, 1 + first // 2, 1 + first + 1 + max(1, second // 2), until_curves, until_curves + 1 + checkpoint // 2]
    frees.append(until_curves + 1 + checkpoint + pages["snag.pt"] // 2)  # the second checkpoint stands beside the first
    for free in frees:
        shutil.rmtree(run, ignore_errors=True)
        ballast.unlink(missing_ok=True)
        ballast.write_bytes(bytes((os.statvfs(small_disk).f_bavail - free) * 4096))
        ended = in_child(data, run)
        assert is_one_error(ended), (free, ended)
        assert "error: can't write " in ended.err
        assert not (run / "snag.pt").exists()
    ballast.unlink()
    assert in_child(data, run).code == 0
    assert (run / "snag.pt").read_bytes() == (whole_run / "snag.pt").read_bytes()


def test_a_run_folder_that_can_not_be_made_is_an_error_in_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")

    assert here(data, tmp_path / "file" / "run") == 2

    assert last_line(capsys.readouterr().err).startswith("error: ")


def test_features_whose_packages_are_missing_are_refused_before_anything_is_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)

    assert here(data, tmp_path / "run", "--features") == 2

    assert "expected them after `make .venv/.installed-features`, as of `make train`, or pip's extra" in capsys.readouterr().err
    assert list((tmp_path / "run").iterdir()) == []


def test_a_memory_that_nothing_measures_is_refused(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert here(data, tmp_path / "run", "--features", "--standardise-share", "0") == 2

    assert "expected a standardise_share above 0 with features, or --no-features" in capsys.readouterr().err


def test_features_beside_a_mean_over_the_picture_are_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(data, tmp_path / "run", "--features", "--score", "mse") == 2

    assert "expected score weighted or peak with features" in capsys.readouterr().err
