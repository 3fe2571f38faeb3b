"""The training command, from pictures to artefact: what a run leaves, repeatable, and resumable after any end."""

from __future__ import annotations

import json
import signal
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboardX.proto.event_pb2 import Event

from snag.core.artifact import load_artifact
from snag.training.data.dataset import digest_of, good_pictures
from snag.training.data.split import read_split
from snag.training.fit.standardisation import LEAST_WEIGHT, MOST_WEIGHT
from snag.training.modes import MODES
from tests.support.children import killed_before_replacing, signal_at_step
from tests.support.parts import good_picture
from tests.support.tiny_training import COUNT, EPOCHS, STEPS, in_child, last_line, settings_of

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
    assert (split.repeats, split.near_duplicates, split.lots) == ((), (), ())
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

    settled = [artifact.settings[name] for name in ("ensemble_size", "epochs", "window")]
    assert settled == [1, EPOCHS, MODES["full_frame"].window]  # asked for, asked for, settled by the mode
    assert artifact.settings["preset"] == "quick"
    assert artifact.settings["mode"] == "full_frame"
    assert artifact.settings["score"] == "weighted"
    assert artifact.settings["data_digest"] == digest_of(good_pictures(data), data)
    assert (artifact.settings["fit_pictures"], artifact.settings["standardise_pictures"]) == (COUNT - 2 - 4, 2)
    assert set(artifact.settings["last_loss"]) == {"reconstruction", "weight"}
    assert artifact.score([good_picture(99, (48, 48))])[0].anomaly_score < 1e4


@pytest.fixture(scope="module")
def with_memory(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with networks and a memory."""
    run = tmp_path_factory.mktemp("with memory")
    assert in_child(data, run, "--features", "--epochs", "1").code == 0
    return run


def test_with_a_memory_the_artefact_says_how_much_it_weighs_and_shows_what_each_of_both_finds(
    whole_run: Path, with_memory: Path
) -> None:
    without, artifact = load_artifact(whole_run / "snag.pt"), load_artifact(with_memory / "snag.pt")

    weight, error_weight = artifact.settings["memory_weight"], artifact.settings["error_weight"]
    assert (without.settings["features"], without.settings["memory_weight"]) == (False, None)
    assert artifact.settings["features"] is True
    assert without.settings["error_weight"] is None
    assert LEAST_WEIGHT <= weight <= MOST_WEIGHT
    assert 0 <= error_weight <= 1
    assert artifact.score_unit.startswith(
        f"the root of ({error_weight:.2f} log(1 + e))^2 + ({weight:.2f} d)^2 at the worst place, with d standard deviations"
    )
    assert artifact.score_unit.endswith(f"and e {without.score_unit}")
    (found,) = artifact.score([255.0 - good_picture(99, (48, 48))])
    torch.testing.assert_close(found.anomaly_map, torch.hypot(found.error_map, found.memory_map))
    assert found.memory_map.any()
    assert found.anomaly_score == float(found.anomaly_map.max())


def test_with_a_memory_the_same_seed_gives_the_same_bytes_too(data: Path, with_memory: Path, tmp_path: Path) -> None:
    in_child(data, tmp_path, "--features", "--epochs", "1")

    assert (tmp_path / "snag.pt").read_bytes() == (with_memory / "snag.pt").read_bytes()


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


#: An end that leaves a file half written, and one that the run is told of; the others are further moments of the first.
OFTEN = {"killed while a checkpoint is written", "interrupted in the middle of an epoch"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in OFTEN else [pytest.mark.slow]) for name in ENDS])
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
