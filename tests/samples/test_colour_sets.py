"""The drawn sets in colour: in MVTec layout, the same from the same seed, with masks that show where something was changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.colour.__main__ import main
from snag.samples.bottle import bottle
from snag.samples.colour_sets import SETS
from snag.samples.kit.camera import exposed
from snag.samples.kit.noise import stream
from snag.samples.kit.shapes import SIDE
from snag.training.data.survey import summarise
from snag.training.modes import choose
from tests.support.data_sets import read_folder

#: The sets are drawn for benchmarks, at their full size: seconds a picture.
pytestmark = pytest.mark.benchmark
FEW = ["--train", "2", "--good", "1", "--each", "2"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("colour")
    assert main(["--out", str(out), *FEW]) == 0
    return out


@pytest.mark.parametrize("name", SETS)
def test_each_set_has_good_and_defective_pictures_in_colour(drawn: Path, name: str) -> None:
    kinds = {folder.name: len(list(folder.iterdir())) for folder in (drawn / name / "test").iterdir()}
    with Image.open(drawn / name / "train" / "good" / "000.png") as image:
        pixels = np.asarray(image).astype(float)

    assert kinds == {"good": 1, **dict.fromkeys(SETS[name][1], 2)}
    assert pixels.shape == (SIDE, SIDE, 3)
    assert np.abs(pixels.max(2) - pixels.min(2)).mean() > 10


@pytest.mark.parametrize("name", SETS)
def test_every_defect_has_a_mask_and_covers_little(drawn: Path, name: str) -> None:
    shares = {}
    for path in sorted((drawn / name / "test").glob("*/*.png")):
        mask = drawn / name / "ground_truth" / path.parent.name / f"{path.stem}_mask.png"
        if path.parent.name == "good":
            assert not mask.exists()
        else:
            with Image.open(mask) as image:
                shares[f"{path.parent.name}/{path.name}"] = float((np.asarray(image) > 0).mean())

    assert all(0 < share < 0.2 for share in shares.values()), shares


def test_a_bottle_on_a_table_that_is_white_is_taken_as_a_scene() -> None:
    pictures = [exposed(bottle(rng)[0], rng).round().clip(0, 255) for rng in (stream(0, 5, i) for i in range(24))]
    summaries = [summarise(torch.from_numpy(picture).permute(2, 0, 1).to(torch.uint8)) for picture in pictures]

    assert np.mean([(picture == 255).all(2) for picture in pictures]) > 0.3
    assert choose(summaries).mode.name == "scene"


def test_the_same_seed_draws_the_same_pictures_however_many_and_another_one_others(drawn: Path, tmp_path: Path) -> None:
    for seed in ("0", "1"):
        one = ["--sets", "cloth,board", "--train", "1", "--good", "1", "--each", "1"]
        assert main(["--out", str(tmp_path / seed), "--seed", seed, *one]) == 0

    known, fewer, others = (read_folder(folder) for folder in (drawn, tmp_path / "0", tmp_path / "1"))
    assert fewer.items() <= known.items()
    assert fewer.keys() == others.keys()
    assert all(others[path] != data for path, data in fewer.items() if "ground_truth" not in str(path))


def test_only_the_sets_that_are_asked_for_are_drawn(drawn: Path, tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path), "--sets", "board", *FEW]) == 0

    assert read_folder(tmp_path) == {path: data for path, data in read_folder(drawn).items() if path.startswith("board/")}


def test_a_set_that_no_one_draws_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path), "--sets", "board,bolt"]) == 2

    assert "'tablet', 'nut', 'cloth', 'board', 'cable', 'panel' or 'bottle'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_left_alone(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = read_folder(drawn)

    assert main(["--out", str(drawn), *FEW]) == 2

    assert f"{drawn / 'bottle'} is there already" in capsys.readouterr().err
    assert read_folder(drawn) == before


def test_when_one_folder_is_there_the_other_is_not_begun(tmp_path: Path) -> None:
    (tmp_path / "cloth").mkdir()

    assert main(["--out", str(tmp_path), *FEW]) == 2

    assert [path.name for path in tmp_path.iterdir()] == ["cloth"]
