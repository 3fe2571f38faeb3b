"""The benchmark of decoders: one row for each kind of PNG, each way with its time."""

from pathlib import Path

import pytest

from benchmarks.decoding import main
from snag.core.unfilter import can_unfilter
from tests.support.pictures import colour, deep, encode, grey, noise


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three kinds of PNG, of which the last is there once; and one that is none."""
    for number in range(3):
        (tmp_path / f"grey{number}.png").write_bytes(encode(noise(20, 30, number), "PNG"))
        (tmp_path / f"colour{number}.png").write_bytes(encode(colour(), "PNG"))
    (tmp_path / "deep.png").write_bytes(encode(deep(), "PNG"))
    (tmp_path / "other.jpg").write_bytes(encode(grey(), "JPEG"))
    return tmp_path


def test_the_most_frequent_kinds_have_a_row_each(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "table.md"

    assert main([f"--pictures={folder}", "--most=2", "--repeats=3", f"--out={out}"]) == 0

    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in out.read_text().splitlines() if line.startswith("|")][
        2:
    ]
    assert sorted(row[0] for row in rows) == ["13 x 10, colour, 8 bits", "30 x 20, grey, 8 bits"]
    assert all(float(cell) > 0 for row in rows for cell in row[1:4] + row[6:])
    assert all((cell == "-") != can_unfilter() for row in rows for cell in row[4:6])


def test_a_folder_without_pngs_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.jpg").write_bytes(encode(grey(), "JPEG"))

    assert main([f"--pictures={tmp_path}"]) != 0
    assert "PNGs of 8 or 16 bits" in capsys.readouterr().err
