"""Kinds of training: presets, colour, precision, and the batches that the networks are shown."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from snag.core.artifact import load_artifact
from snag.detector.geometry import block_means
from snag.training import preview, train
from snag.training.augment.symmetry import Symmetry
from snag.training.loop import batches
from snag.training.modes import MODES
from snag.training.plan import TrainingPlan
from snag.training.prepared_cache import PreparedPictures
from snag.training.settings import train_settings
from snag.training.training_set import read_training_set
from tests.support.discs import disc, place
from tests.support.parts import as_bytes, draw_scene, good_picture, write_data_set
from tests.support.preparations import random_picture
from tests.support.scenes import play, scene
from tests.support.tiny_training import COUNT, TINY, here, in_child, settings_of

# --- kinds of runs ----------------------------------------------------------------------------------------------------------


def test_the_baseline_preset_trains_a_plain_autoencoder_on_the_mean_error(data: Path, tmp_path: Path) -> None:
    flags = ["--preset", "baseline", "--pixels", "1024", "--epochs", "1", "--batch-size", "8"]

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


MOVING = ("--mode", "scene", "--pixels", "10000")


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good pictures of a scene that moves a little, and a run on them."""
    home = tmp_path_factory.mktemp("moving")
    folder = home / "data" / "train" / "good"
    folder.mkdir(parents=True)
    for seed, move in enumerate(play(COUNT + 10)):
        Image.fromarray(as_bytes(scene((96, 96), move, seed))).save(folder / f"{seed:03d}.png")
    assert in_child(home / "data", home / "run", *MOVING).code == 0
    return home


def test_a_scene_that_moves_is_judged_where_it_usually_lies(moving: Path) -> None:
    """A spot on the scene is seen by the trained model at one place, wherever the scene lies; another scene is none of it."""
    artifact = load_artifact(moving / "run" / "snag.pt")
    assert artifact.settings["mode"] == "scene"
    assert artifact.settings["why"].startswith("one scene")
    places = []
    for move in play(3, seed=1):
        clean, spotted = artifact.score([scene((96, 96), move, 99, blot) for blot in (False, True)])
        darker = (clean.prepared - spotted.prepared)[0]
        places.append(divmod(int(darker.argmax()), 96))
        assert spotted.reason is None
    assert np.ptp(np.array(places), axis=0).max() <= 1
    assert artifact.score([random_picture(96, 96)])[0].reason == "not_aligned"


def test_a_scene_that_moves_is_learnt_twice_to_the_same_bytes(moving: Path, tmp_path: Path) -> None:
    assert in_child(moving / "data", tmp_path, *MOVING).code == 0

    assert (tmp_path / "snag.pt").read_bytes() == (moving / "run" / "snag.pt").read_bytes()


def test_a_part_that_lies_anywhere_is_learnt_and_found_again_and_its_table_has_no_say(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "train" / "good"
    folder.mkdir(parents=True)
    for seed in range(COUNT):
        Image.fromarray(as_bytes(disc(place(seed), seed, side=96))).save(folder / f"{seed:03d}.png")
    runs = [tmp_path / "first", tmp_path / "second"]

    for run in runs:
        assert in_child(tmp_path / "data", run, "--mode", "auto", "--epochs", "2").code == 0

    assert runs[0].joinpath("snag.pt").read_bytes() == runs[1].joinpath("snag.pt").read_bytes()
    artifact = load_artifact(runs[0] / "snag.pt")
    assert artifact.settings["mode"] == "centred_crop"
    plain, crumbs, empty = artifact.score(
        [disc(place(99), 99, side=96), disc(place(99), 99, side=96, crumb=True), disc(None, 99, side=96)]
    )
    assert crumbs.anomaly_score == pytest.approx(plain.anomaly_score, rel=0.05)
    assert (plain.reason, empty.reason) == (None, "not_aligned")


def test_bfloat16_trains_too(data: Path, tmp_path: Path) -> None:
    assert here(data, tmp_path, "--precision", "bfloat16", "--epochs", "1") == 0

    assert load_artifact(tmp_path / "snag.pt").score([good_picture(99, (48, 48))])[0].anomaly_score < 1e4


def test_good_pictures_whose_part_can_not_be_aligned_are_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_data_set(tmp_path / "data", 31, (96, 96))
    Image.fromarray(as_bytes(draw_scene((96, 96), [], noise_seed=1))).save(data / "train" / "good" / "empty.png")
    place = ["--data", str(data), "--run", str(tmp_path / "run")]
    settings = train_settings([*place, "--preset", "quick", "--no-features", "--pixels", "2048", "--calibrate-share", "0.2"])

    pictures = read_training_set(settings)

    assert "train/good/empty.png" in pictures.split.fit  # of this seed
    assert (len(pictures.fit), pictures.choice.mode.name) == (len(pictures.split.fit) - 1, "oriented_crop")
    assert "left out 1 good pictures whose part or scene could not be aligned" in capsys.readouterr().out


def test_for_a_memory_pictures_are_prepared_closer_than_the_networks_see_them(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them: those to learn from are read when they are asked for, and their block means are what is learnt."""
    seen, closer = (read_training_set(settings_of(data, tmp_path, flag)) for flag in ("--no-features", "--features"))

    assert isinstance(closer.prepared, PreparedPictures)
    assert closer.split == seen.split
    assert [picture.shape for picture in seen.fit] == [picture.shape for picture in seen.prepared]
    assert {tuple(picture.shape) for picture in closer.fit} == {(1, 32, 32)} == {tuple(picture.shape) for picture in seen.fit}
    assert {tuple(picture.shape) for picture in (*closer.prepared, *closer.standardise)} == {(1, 64, 64)}
    for picture, learnt in zip(closer.prepared, closer.fit, strict=True):
        assert torch.equal(block_means(picture, 2), learnt)
    sizes = re.findall(r"1 x \d[^;]+(?=;)", capsys.readouterr().out)
    assert sizes == ["1 x 32 x 32", "1 x 64 x 64, to the networks 32 x 32"]


# --- batches ----------------------------------------------------------------------------------------------------------------


def test_every_picture_is_shown_once_an_epoch_and_each_epoch_in_its_own_way(data: Path, tmp_path: Path) -> None:
    off = ["--rotation", "0", "--shift", "0", "--shear", "0", "--zoom", "0", "--no-flip", "--noise", "0", "--blur", "0"]
    settings = settings_of(data, tmp_path, *off, "--gain", "0", "--gamma", "0", "--overexposure", "0")
    plan = TrainingPlan.of(settings, read_training_set(settings))
    known = torch.stack([*plan.pictures.fit])

    epochs = [list(batches(plan, epoch)) for epoch in (0, 0, 1)]

    for epoch in epochs:
        shown = torch.cat([clean for _, clean, _ in epoch])
        order = [int((known == picture).flatten(1).all(1).nonzero()[0, 0]) for picture in shown]
        assert sorted(order) == list(range(len(known)))
    first, again, second = (torch.cat([shown for shown, _, _ in epoch]) for epoch in epochs)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_pictures_of_several_sizes_come_in_batches_of_one_size_each_once(data: Path, tmp_path: Path) -> None:
    settings = settings_of(data, tmp_path, "--batch-size", "3")
    pictures = read_training_set(settings)
    sizes = [(32, 32)] * 7 + [(32, 48)] * 2 + [(48, 32)] * 4
    choice = replace(pictures.choice, fit=replace(pictures.choice.fit, foreground=torch.ones(48, 48)))
    mixed = replace(pictures, choice=choice, fit=[torch.full((1, *size), 0.5) for size in sizes])

    shapes = [tuple(shown.shape) for shown, _, _ in batches(TrainingPlan.of(settings, mixed), 0)]

    assert sorted(shapes) == sorted([(3, 1, 32, 32)] * 2 + [(1, 1, 32, 32), (2, 1, 32, 48), (3, 1, 48, 32), (1, 1, 48, 32)])


@pytest.mark.parametrize("inpaint", [True, False])
def test_defects_are_shown_only_where_inpainting_is_to_be_learnt(inpaint: bool, data: Path, tmp_path: Path) -> None:
    settings = settings_of(data, tmp_path, "--inpaint-defects" if inpaint else "--no-inpaint-defects")

    shown_as = list(batches(TrainingPlan.of(settings, read_training_set(settings)), 0))

    assert any(bool((shown != clean).any()) for shown, clean, _ in shown_as) is inpaint
    assert any(bool(mask.any()) for _, _, mask in shown_as) is inpaint


@pytest.mark.parametrize("mode", MODES)
def test_symmetries_are_looked_for_only_where_pictures_may_lie_otherwise(
    mode: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = Symmetry(flip=True, half_turn=True, any_turn=True)
    monkeypatch.setattr("snag.training.training_set.symmetry", lambda _: everything)
    pictures = read_training_set(settings_of(data, tmp_path))

    pictures = replace(pictures, choice=replace(pictures.choice, mode=MODES[mode]))

    assert pictures.symmetry == (everything if MODES[mode].has_symmetries else Symmetry())


def test_the_preview_is_a_picture_of_what_the_network_is_shown(data: Path, whole_run: Path, tmp_path: Path) -> None:
    """Also of settings that were not trained with: a run's split and model stay what they are."""
    run = shutil.copytree(whole_run, tmp_path / "run")

    assert preview.main(["--data", str(data), "--run", str(run), *TINY, "--seed", "9"]) == 0

    with Image.open(run / "preview.png") as sheet:
        assert sheet.format == "PNG"
        assert np.asarray(sheet.convert("L")).std() > 10
    for name in ("split.json", "config.json", "snag.pt", "checkpoint.pt"):
        assert (run / name).read_bytes() == (whole_run / name).read_bytes()
