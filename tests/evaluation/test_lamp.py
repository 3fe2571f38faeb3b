"""The picture of the lamp trap, drawn of bolts: the marked ones stand under a brighter lamp."""

import re

import pytest
from PIL import Image

from snag.evaluation.lamp import main
from tests.support.parts import as_bytes, good_picture
from tests.support.trained import SIZE


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The same pictures twice: under one lamp, and the marked ones a third brighter."""
    root = tmp_path_factory.mktemp("lamps")
    for name, gain in (("plain", 1.0), ("under", 1.35)):
        for kind, mark in (("good", False), ("mark", True)):
            folder = root / name / "test" / kind
            folder.mkdir(parents=True)
            for index in range(6):
                picture = good_picture(900 + index + 50 * mark, SIZE, mark=mark) * (gain if mark else 1.0)
                Image.fromarray(as_bytes(picture.clamp(0, 255))).save(folder / f"{index}.png")
    return root


def command(folders, bolts, out):
    return main(
        ["--data", str(folders / "under"), "--plain", str(folders / "plain"), "--run", str(bolts.run), "--out", str(out)]
    )


def test_the_trap(folders, bolts, tmp_path, capsys):
    """Brightness alone tells all under two lamps and nothing once exposure is taken out; the model needs no lamp."""
    assert command(folders, bolts, tmp_path / "lamp.png") == 0

    printed = capsys.readouterr().out
    found = {
        title: (float(trap), float(plain))
        for title, trap, plain in re.findall(r"(.*): AUROC ([\d.]+) with the lamp trap, ([\d.]+) under one lamp", printed)
    }
    assert found["Brightness alone, picture as taken"][0] == 1.0
    assert found["Brightness alone, picture as taken"][1] < 1.0
    trap, plain = found["Model, exposure taken out"]
    assert trap == pytest.approx(plain, abs=0.1)
    assert plain == found["Model, exposure left in"][1]
    assert found["Model, exposure left in"][0] >= plain
    with Image.open(tmp_path / "lamp.png") as picture:
        assert picture.size == (1040, 410)


def test_two_folders_of_the_same_pictures(folders, bolts, tmp_path, capsys):
    """Folders that do not match are refused before anything is scored."""
    (tmp_path / "under/test/good").mkdir(parents=True)
    Image.new("L", SIZE).save(tmp_path / "under/test/good/0.png")

    assert main(["--data", str(tmp_path / "under"), "--plain", str(folders / "plain"), "--run", str(bolts.run)]) == 2

    assert "do not hold the same pictures of the test" in capsys.readouterr().err
