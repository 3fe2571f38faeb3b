"""Published data sets laid out as MVTec AD: the spindle's places are never shared, and what is another folder is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.published.__main__ import main
from benchmarks.published.parts import GOOD_PILLS
from benchmarks.published.surfaces import CELLS, WHOLE_SIZE

PLACES = [f"{place:06d}_315" for place in range(7)]


def spindle(folder: Path) -> Path:
    """Each place in twenty pictures, the last two pitted; and one of another camera."""
    for kind in ("data", "label"):
        (folder / kind).mkdir(parents=True)
    for place in PLACES:
        for day in range(20):
            name = f"01_2008{day:02d}000000_{place}_crop_2"
            Image.new("RGB", WHOLE_SIZE, (day, 90, 90)).save(folder / "data" / f"{name}.jpg")
            if day >= 18:
                pits = [{"points": [[100, 100], [200, 100], [200, 150]]}]
                (folder / "label" / f"{name}.json").write_text(json.dumps({"shapes": pits}))
    Image.new("RGB", (1540, 645)).save(folder / "data" / f"01_200899000000_{PLACES[0]}_crop_1.jpg")
    return folder


def cells(folder: Path) -> Path:
    """More of every kind than are wanted."""
    (folder / "images").mkdir(parents=True)
    rows = [("0.0", "mono")] * (CELLS[0] + CELLS[1] + 5) + [("1.0", "mono")] * (CELLS[2] + 5)
    rows += [("0.0", "poly"), ("1.0", "poly"), ("0.3333333333333333", "mono"), ("0.6666666666666666", "mono")]
    lines = []
    for number, (defective, kind) in enumerate(rows):
        name = f"images/cell{number:04d}.png"
        Image.new("L", (30, 30), number % 256).save(folder / name)
        lines.append(f"{name}  {defective}  {kind}\n")
    (folder / "labels.csv").write_text("".join(lines))
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_places_that_are_tested_are_not_trained_on(tmp_path: Path) -> None:
    assert main(["--set", "ballscrew", "--source", str(spindle(tmp_path / "bsdata")), "--out", str(tmp_path)]) == 0

    folder = tmp_path / "ballscrew"
    place_of = {
        kind: {"_".join(name.split("_")[2:4]) for name in names(folder / kind)}
        for kind in ("train/good", "test/good", "test/pitting")
    }
    assert place_of["test/good"] == place_of["test/pitting"]
    assert place_of["train/good"] | place_of["test/good"] == set(PLACES)
    assert not place_of["train/good"] & place_of["test/good"]
    assert {name.replace(".jpg", "_mask.png") for name in names(folder / "test" / "pitting")} == names(
        folder / "ground_truth" / "pitting"
    )
    with Image.open(next((folder / "ground_truth" / "pitting").iterdir())) as mask:
        assert mask.getbbox() == (100, 100, 201, 151)


def test_cells_are_sure_of_one_kind_and_in_one_set_only(tmp_path: Path) -> None:
    source = cells(tmp_path / "elpv")

    assert main(["--set", "cells", "--source", str(source), "--out", str(tmp_path)]) == 0

    parts = [names(tmp_path / "cells" / kind) for kind in ("train/good", "test/good", "test/defective")]
    assert tuple(map(len, parts)) == CELLS
    assert len(set.union(*parts)) == sum(CELLS)
    assert main(["--set", "polycells", "--source", str(source), "--out", str(tmp_path)]) == 0
    few = sum(CELLS) + 10  # only one polycrystalline cell is good, and one defective
    assert [names(tmp_path / "polycells" / kind) for kind in ("train/good", "test/defective")] == [
        {f"cell{few:04d}.png"}, {f"cell{few + 1:04d}.png"},
    ]  # fmt: skip
    for kind, defective in (("train/good", False), ("test/good", False), ("test/defective", True)):
        first = CELLS[0] + CELLS[1] + 5
        assert all((first <= int(name[4:8]) < first + CELLS[2] + 5) is defective for name in names(tmp_path / "cells" / kind))


def test_pills_are_all_in_one_set_only(tmp_path: Path) -> None:
    for kind, count in (("normal", GOOD_PILLS + 7), ("chip", 3), ("dirt", 4)):
        (tmp_path / "pillqc" / "images" / kind).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (30, 30), number).save(tmp_path / "pillqc" / "images" / kind / f"{kind}{number:04d}.jpg")

    assert main(["--set", "pills", "--source", str(tmp_path / "pillqc"), "--out", str(tmp_path)]) == 0

    train, good, chip, dirt = (
        names(tmp_path / "pills" / kind) for kind in ("train/good", "test/good", "test/chip", "test/dirt")
    )
    assert (len(train), len(good), len(chip), len(dirt)) == (7, GOOD_PILLS, 3, 4)
    assert len(train | good) == GOOD_PILLS + 7


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("ballscrew", "expected BSData"), ("cells", "expected the folder of ELPV's labels.csv"), ("pills", "as it is published")],
)
def test_another_folder_is_told_and_nothing_is_written(
    wanted: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--set", wanted, "--source", str(tmp_path), "--out", str(tmp_path / "out")]) == 2

    assert expected in capsys.readouterr().err
    assert not any((tmp_path / "out").iterdir())


def test_a_source_that_lacks_a_picture_leaves_no_half_of_a_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = cells(tmp_path / "elpv")
    (source / "images" / "cell0007.png").unlink()

    assert main(["--set", "cells", "--source", str(source), "--out", str(tmp_path / "out")]) == 2

    said = capsys.readouterr().err
    assert "cell0007.png" in said
    assert "expected the data set as it is published" in said
    assert not any((tmp_path / "out").iterdir())


def test_what_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cells").mkdir()

    assert main(["--set", "cells", "--source", str(cells(tmp_path / "elpv")), "--out", str(tmp_path)]) == 2

    assert "is there already" in capsys.readouterr().err
    assert not any((tmp_path / "cells").iterdir())
