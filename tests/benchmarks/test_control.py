"""The control on a small run; what it remembers and how it measures is tested in tests/detector/test_memory_bank.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from benchmarks.control import main
from tests.support.parts import as_bytes, draw_scene, good_picture
from tests.support.trained import SIZE, Trained


def test_it_tells_marked_parts_and_what_can_not_be_prepared_from_good_ones(
    bolts: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "table.md"
    data.mkdir()
    (data / "train").symlink_to(bolts.data / "train")
    marked = [good_picture(index, SIZE) for index in range(500, 504)]
    for picture in marked:
        dark = picture < picture.amin() + 0.3 * (picture.amax() - picture.amin())
        picture[dark] = picture[dark] + 60 * (dark.nonzero()[:, 1] // 6 % 2)  # rings across the part
    shown = {"good": [good_picture(index, SIZE) for index in range(400, 410)], "ringed": marked}
    shown["empty"] = [draw_scene(SIZE, [], noise_seed=1)]
    for kind, pictures in shown.items():
        (data / "test" / kind).mkdir(parents=True)
        for number, picture in enumerate(pictures):
            Image.fromarray(as_bytes(picture)).save(data / "test" / kind / f"{number:03d}.png")

    assert main(["--data", str(data), "--run", str(bolts.run), "--scale", "2", "--fpr", "0.1", "--out", str(out)]) == 0

    text = out.read_text()
    assert capsys.readouterr().out == text + "\n"
    assert "| data | 2 | 1.000 | 1.000 | 1.000 |" in text
    assert "| empty | 1.000 |" in text
    assert "| ringed | 1.000 |" in text


def test_without_test_pictures_it_says_what_it_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "table.md"

    assert main(["--data", str(tmp_path), "--run", str(tmp_path), "--out", str(out)]) == 2

    assert f"error: {tmp_path / 'test' / 'good'} is not there: expected the test pictures" in capsys.readouterr().err
    assert not out.exists()
