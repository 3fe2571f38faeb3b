"""The training command, from pictures to artefact: repeatable, resumable after any end, and clear about what went wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboardX.proto.event_pb2 import Event

from snag.artifact import load_artifact
from tests.children import (
    Finished,
    events_fail,
    files_of_at_most,
    killed_before_replacing,
    run_command,
    signal_at_step,
)
from tests.parts import as_bytes, draw_scene, good_picture, write_data_set
from training import preview, train
from training.dataset import digest_of, good_pictures, read_split
from training.settings import TrainSettings, train_settings

COUNT, EPOCHS, STEPS = 18, 3, 3  #: pictures, epochs, steps an epoch
TINY = ["--preset", "quick", "--mode", "whole", "--pixels", "1024", "--base", "4", "--bottleneck", "4", "--weight-base", "4"]
TINY += ["--batch-size", "4", "--epochs", str(EPOCHS), "--precision", "float32"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data_set(tmp_path_factory.mktemp("data"), COUNT, (48, 48))


@pytest.fixture(scope="module")
def whole_run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    run = tmp_path_factory.mktemp("whole") / "run"
    assert in_child(data, run).code == 0
    return run


def in_child(data: Path, run: Path, *flags: str, before: partial | None = None) -> Finished:
    return run_command("training.train", ["--data", str(data), "--run", str(run), *TINY, *flags], before)


def here(data: Path, run: Path, *flags: str) -> int:
    """In this process: for what ends before it trains."""
    return train.main(["--data", str(data), "--run", str(run), *TINY, *flags])


def settings_of(data: Path, run: Path, *flags: str) -> TrainSettings:
    return train_settings(["--data", str(data), "--run", str(run), *TINY, *flags])


def last_line(text: str) -> str:
    """The last line, without progress bars, which end in carriage returns."""
    return text.rstrip("\n").splitlines()[-1].split("\r")[-1]


def is_one_error(finished: Finished) -> bool:
    """Exit code 2, one line that begins with "error: ", no trace."""
    return finished.code == 2 and last_line(finished.err).startswith("error: ") and "Traceback" not in finished.err


# --- what a run leaves ------------------------------------------------------------------------------------------------------


def test_a_run_folder_holds_settings_split_checkpoint_artefact_and_curves(data: Path, whole_run: Path) -> None:
    assert {path.name for path in whole_run.iterdir()} == {
        "cache",
        "checkpoint.pt",
        "config.json",
        "loss.png",
        "snag.pt",
        "split.json",
        "tensorboard",
    }
    split = read_split(whole_run / "split.json")
    names = [path.relative_to(data).as_posix() for path in good_pictures(data)]
    assert sorted([*split.fit, *split.standardise, *split.calibrate]) == names
    assert (len(split.standardise), len(split.calibrate)) == (round(0.12 * COUNT), round(0.2 * COUNT))
    with Image.open(whole_run / "loss.png") as curves:
        assert curves.format == "PNG"
        assert np.asarray(curves.convert("L")).std() > 10


def test_the_configuration_echoes_settings_versions_revision_digest_and_seed(data: Path, whole_run: Path) -> None:
    config = json.loads((whole_run / "config.json").read_text())

    assert config["settings"] == settings_of(data, whole_run).model_dump(mode="json")
    assert config["data_digest"] == digest_of(good_pictures(data), data)
    assert config["seed"] == 0
    assert config["versions"]["torch"] == torch.__version__.split("+")[0] or config["versions"]["torch"] == torch.__version__
    assert config["git_revision"]
    assert set(config) == {"settings", "versions", "git_revision", "data_digest", "seed"}


def test_the_artefact_says_what_made_it_and_judges_pictures(data: Path, whole_run: Path) -> None:
    artifact = load_artifact(whole_run / "snag.pt")

    assert artifact.settings["preset"] == "quick"
    assert artifact.settings["mode"] == "whole"
    assert artifact.settings["score"] == "weighted"
    assert artifact.settings["data_digest"] == digest_of(good_pictures(data), data)
    assert (artifact.settings["fit_pictures"], artifact.settings["standardise_pictures"]) == (COUNT - 2 - 4, 2)
    assert set(artifact.settings["last_loss"]) == {"reconstruction", "weight"}
    assert artifact.score([good_picture(99, (48, 48))])[0].anomaly_score < 1e4


def _events(path: Path) -> Iterator[Event]:
    data, at = path.read_bytes(), 0
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        yield Event.FromString(data[at + 12 : at + 12 + length])
        at += 12 + length + 4


def scalars(run: Path) -> dict[str, list[tuple[int, float]]]:
    """TensorBoard's curves over all files of a run, what a later file hides left out."""
    found: dict[str, list[tuple[int, float]]] = {}
    for path in sorted((run / "tensorboard").iterdir()):
        for event in _events(path):
            if event.HasField("session_log"):
                found = {name: [one for one in curve if one[0] < event.step] for name, curve in found.items()}
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def test_tensorboard_shows_each_epochs_mean_losses(whole_run: Path) -> None:
    history = torch.load(whole_run / "checkpoint.pt", weights_only=True)["history"]

    assert scalars(whole_run) == {
        f"loss/{name}": [(epoch + 1, pytest.approx(mean, rel=1e-6)) for epoch, mean in enumerate(means)]
        for name, means in history.items()
    }
    assert [len(means) for means in history.values()] == [EPOCHS, EPOCHS]


def test_training_reduces_the_losses(data: Path, tmp_path: Path) -> None:
    """Over enough epochs that what each draws of defects does not decide."""
    in_child(data, tmp_path / "run", "--epochs", "15")
    history = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["history"]

    assert all(sum(means[-5:]) < sum(means[:5]) for means in history.values())


# --- the same again ---------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(data: Path, whole_run: Path, tmp_path: Path) -> None:
    in_child(data, tmp_path / "again")
    in_child(data, tmp_path / "other", "--seed", "1")

    again, other = ((tmp_path / name / "snag.pt").read_bytes() for name in ("again", "other"))
    assert again == (whole_run / "snag.pt").read_bytes()
    assert other != again


ENDS = {
    "killed in the first epoch": (partial(signal_at_step, 2, signal.SIGKILL), -signal.SIGKILL, None),
    "killed in the middle of an epoch": (partial(signal_at_step, STEPS + 2, signal.SIGKILL), -signal.SIGKILL, 1),
    "killed while a checkpoint is written": (partial(killed_before_replacing, "checkpoint.pt", 2), -signal.SIGKILL, 1),
    "killed while the artefact is written": (partial(killed_before_replacing, "snag.pt", 1), -signal.SIGKILL, EPOCHS),
    "interrupted in the middle of an epoch": (partial(signal_at_step, STEPS + 2, signal.SIGINT), 130, 1),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_run_that_ended_goes_on_to_the_same_bytes(name: str, data: Path, whole_run: Path, tmp_path: Path) -> None:
    before, code, epochs = ENDS[name]

    ended = in_child(data, tmp_path, before=before)
    checkpoint = tmp_path / "checkpoint.pt"
    done = torch.load(checkpoint, weights_only=True)["epoch"] if checkpoint.exists() else None
    artefact = (tmp_path / "snag.pt").exists()
    (tmp_path / "cache" / ".half.npy.x.part").write_bytes(b"of a run that was killed while it prepared")
    resumed = in_child(data, tmp_path)

    assert (ended.code, done, artefact) == (code, epochs, False)
    assert "Traceback" not in ended.err
    assert resumed.code == 0
    assert (tmp_path / "snag.pt").read_bytes() == (whole_run / "snag.pt").read_bytes()
    assert (tmp_path / "split.json").read_bytes() == (whole_run / "split.json").read_bytes()
    assert scalars(tmp_path).keys() == scalars(whole_run).keys()
    assert {name: [step for step, _ in curve] for name, curve in scalars(tmp_path).items()} == {
        name: [1, 2, 3] for name in scalars(whole_run)
    }
    assert {path.name for path in tmp_path.rglob("*.part")} == set()
    if code == 130:
        assert last_line(ended.err) == "interrupted"


def test_a_finished_run_does_nothing_again(data: Path, whole_run: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in whole_run.rglob("*") if path.is_file()}

    again = in_child(data, whole_run)

    assert again.code == 0
    assert again.out == f"{whole_run / 'snag.pt'} is already trained with these settings on these pictures\n"
    assert before == {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in whole_run.rglob("*") if path.is_file()}


def test_a_run_and_its_pictures_may_move(data: Path, whole_run: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "pictures")
    shutil.copytree(whole_run, tmp_path / "results")

    assert "already trained" in in_child(tmp_path / "pictures", tmp_path / "results").out


@pytest.mark.parametrize("what", ["settings", "pictures"])
def test_what_other_settings_or_pictures_made_is_kept_aside(what: str, data: Path, whole_run: Path, tmp_path: Path) -> None:
    """And the new run owes nothing to it: the same bytes as in an empty folder."""
    shutil.copytree(whole_run, tmp_path / "run")
    flags: list[str] = []
    if what == "settings":
        flags = ["--epochs", "2"]
    else:
        data = shutil.copytree(data, tmp_path / "data")
        Image.fromarray(as_bytes(good_picture(77, (48, 48)))).save(data / "train" / "good" / "one_more.png")

    anew = in_child(data, tmp_path / "run", *flags)
    in_child(data, tmp_path / "fresh", *flags)

    assert anew.code == 0
    assert "settings or pictures changed: training starts anew; the old checkpoint.pt is kept as checkpoint.old.pt" in anew.out
    for name in ("checkpoint", "snag"):
        assert (tmp_path / "run" / f"{name}.old.pt").read_bytes() == (whole_run / f"{name}.pt").read_bytes()
    assert (tmp_path / "run" / "snag.pt").read_bytes() == (tmp_path / "fresh" / "snag.pt").read_bytes()


def test_an_interrupted_run_of_other_settings_leaves_no_artefact_that_its_split_does_not_fit(
    data: Path, whole_run: Path, tmp_path: Path
) -> None:
    """Calibrating the old artefact on the new split would score pictures that it was trained on."""
    shutil.copytree(whole_run, tmp_path / "run")

    in_child(data, tmp_path / "run", "--seed", "5", before=partial(signal_at_step, 1, signal.SIGINT))

    assert not (tmp_path / "run" / "snag.pt").exists()
    assert read_split(tmp_path / "run" / "split.json") != read_split(whole_run / "split.json")


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
    ended = in_child(data, tmp_path, "--learning-rate", "1e30", "--epochs", "1", "--batch-size", "64", "--average", "0")

    assert is_one_error(ended)
    assert not (tmp_path / "snag.pt").exists()


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
    ("size", "file"), [(900, "config.json"), (5000, ".npy"), (60_000, "checkpoint.pt")], ids=["settings", "cache", "checkpoint"]
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


# --- kinds of runs ----------------------------------------------------------------------------------------------------------


def test_the_reference_preset_trains_a_plain_autoencoder_on_the_mean_error(data: Path, tmp_path: Path) -> None:
    flags = ["--preset", "reference", "--pixels", "1024", "--epochs", "1", "--batch-size", "8"]

    assert train.main(["--data", str(data), "--run", str(tmp_path), *flags]) == 0

    artifact = load_artifact(tmp_path / "snag.pt")
    found = artifact.score([good_picture(99, (48, 48))])[0]
    assert found.anomaly_score == found.reconstruction_error
    assert artifact.settings["standardise_pictures"] == 0
    assert artifact.score_unit == "mean squared reconstruction error, prepared grey values"
    assert 0 <= float(found.reconstruction.min()) <= float(found.reconstruction.max()) <= 1


def test_coloured_pictures_are_learnt_in_colour(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "train" / "good"
    folder.mkdir(parents=True)
    tint = torch.tensor([1.2, 1.0, 0.6])[:, None, None]
    for index in range(COUNT):
        Image.fromarray(as_bytes(good_picture(index, (48, 48)) * tint)).save(folder / f"{index:03d}.png")

    assert here(tmp_path / "data", tmp_path / "run", "--epochs", "1") == 0

    artifact = load_artifact(tmp_path / "run" / "snag.pt")
    assert artifact.settings["channels"] == 3
    assert artifact.score([good_picture(99, (48, 48)) * tint])[0].prepared.shape[0] == 3


def test_bfloat16_trains_too(data: Path, tmp_path: Path) -> None:
    assert here(data, tmp_path, "--precision", "bfloat16", "--epochs", "1") == 0

    assert load_artifact(tmp_path / "snag.pt").score([good_picture(99, (48, 48))])[0].anomaly_score < 1e4


def test_good_pictures_whose_part_can_not_be_aligned_are_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_data_set(tmp_path / "data", 31, (96, 96))
    Image.fromarray(as_bytes(draw_scene((96, 96), [], noise_seed=1))).save(data / "train" / "good" / "empty.png")
    settings = train_settings(["--data", str(data), "--run", str(tmp_path / "run"), "--preset", "quick", "--pixels", "2048"])

    material = train.prepare_material(settings)

    assert "train/good/empty.png" in material.split.fit  # of this seed
    assert (len(material.fit), material.chosen.mode) == (len(material.split.fit) - 1, "aligned")
    assert "left out 1 good pictures whose part could not be aligned" in capsys.readouterr().out


# --- batches ----------------------------------------------------------------------------------------------------------------


def test_every_picture_is_shown_once_an_epoch_and_each_epoch_in_its_own_way(data: Path, tmp_path: Path) -> None:
    off = ["--rotation", "0", "--shift", "0", "--shear", "0", "--zoom", "0", "--no-flip", "--noise", "0", "--blur", "0"]
    settings = settings_of(data, tmp_path, *off, "--gain", "0")
    material = train.prepare_material(settings)
    how = train.usual_augmentation(settings, "whole")

    epochs = [list(train.batches(settings, material, how, epoch)) for epoch in (0, 0, 1)]

    for batches in epochs:
        shown = torch.cat([clean for _, clean, _ in batches])
        order = [int((torch.stack([*material.fit]) == one).flatten(1).all(1).nonzero()[0, 0]) for one in shown]
        assert sorted(order) == list(range(len(material.fit)))
    first, again, second = (torch.cat([shown for shown, _, _ in batches]) for batches in epochs)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_pictures_of_several_sizes_come_in_batches_of_one_size_each_once(data: Path, tmp_path: Path) -> None:
    settings = settings_of(data, tmp_path, "--batch-size", "3")
    material = train.prepare_material(settings)
    sizes = [(32, 32)] * 7 + [(32, 48)] * 2 + [(48, 32)] * 4
    chosen = replace(material.chosen, foreground=torch.ones(48, 48))
    mixed = replace(material, chosen=chosen, fit=[torch.full((1, *size), 0.5) for size in sizes])

    shapes = [
        tuple(shown.shape) for shown, _, _ in train.batches(settings, mixed, train.usual_augmentation(settings, "whole"), 0)
    ]

    assert sorted(shapes) == sorted([(3, 1, 32, 32)] * 2 + [(1, 1, 32, 32), (2, 1, 32, 48), (3, 1, 48, 32), (1, 1, 48, 32)])


@pytest.mark.parametrize("repair", [True, False])
def test_defects_are_shown_only_where_repair_is_to_be_learnt(repair: bool, data: Path, tmp_path: Path) -> None:
    settings = settings_of(data, tmp_path, "--repair" if repair else "--no-repair")
    material = train.prepare_material(settings)

    batches = list(train.batches(settings, material, train.usual_augmentation(settings, "whole"), 0))

    assert any(bool((shown != clean).any()) for shown, clean, _ in batches) is repair
    assert any(bool(mask.any()) for _, _, mask in batches) is repair


def test_augmentation_follows_the_mode_and_what_is_set_by_hand() -> None:
    settings = train_settings(["--rotation", "7", "--flip"])

    aligned, whole = (train.usual_augmentation(settings, mode) for mode in ("aligned", "whole"))

    assert (aligned.rotation, aligned.flip, whole.rotation, whole.flip) == (7, True, 7, True)
    assert aligned.shift < whole.shift
    assert (aligned.noise, aligned.blur, aligned.gain) == (settings.noise, settings.blur, settings.gain)


def test_the_preview_is_a_picture_of_what_the_network_is_shown(data: Path, whole_run: Path, tmp_path: Path) -> None:
    """Also of settings that were not trained with: a run's split and model stay what they are."""
    run = shutil.copytree(whole_run, tmp_path / "run")

    assert preview.main(["--data", str(data), "--run", str(run), *TINY, "--seed", "9"]) == 0

    with Image.open(run / "preview.png") as sheet:
        assert sheet.format == "PNG"
        assert np.asarray(sheet.convert("L")).std() > 10
    for name in ("split.json", "config.json", "snag.pt", "checkpoint.pt"):
        assert (run / name).read_bytes() == (whole_run / name).read_bytes()
