"""PNG's filters, undone by vectors: byte by byte what the specification says, and what Pillow reads in such a file."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from snag.core import unfilter
from snag.core.plain_png import decode_plain
from snag.core.unfilter import can_unfilter, unfiltered
from tests.core.test_plain_png import MUCH, pillows
from tests.support.pngs import png_of_rows
from tests.support.source import ROOT

BUILD = ROOT / "native" / "build.py"
needs_library = pytest.mark.skipif(not can_unfilter(), reason="no compiler was here, or the processor has no AVX2")


def slowly(filtered: NDArray[np.uint8], pixel: int) -> NDArray[np.uint8]:
    """The specification's section 9, byte by byte: [height, 1 + row_bytes] to [height, row_bytes]."""
    rows = np.zeros((len(filtered) + 1, filtered.shape[1] - 1 + pixel), np.int64)
    for y, (kind, *line) in enumerate(filtered.tolist(), start=1):
        for x, value in enumerate(line, start=pixel):
            a, b, c = (int(one) for one in (rows[y, x - pixel], rows[y - 1, x], rows[y - 1, x - pixel]))
            off_a, off_b, off_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
            paeth = a if off_a <= off_b and off_a <= off_c else b if off_b <= off_c else c
            rows[y, x] = (value + (0, a, b, (a + b) // 2, paeth)[kind]) % 256
    return rows[1:, pixel:].astype(np.uint8)


@st.composite
def filtered_rows(draw: st.DrawFn, pixel: int) -> NDArray[np.uint8]:
    """[height, 1 + row_bytes] with every filter; any bytes, or small ones, of which the three guesses lie close together."""
    height, width, seed = draw(st.integers(1, 40)), draw(st.integers(1, 40)), draw(st.integers(0, 2**32 - 1))
    draw_bytes = np.random.default_rng(seed)
    most = draw(st.sampled_from([2, 8, 256]))
    rows = (draw_bytes.integers(-most // 2, most // 2, (height, 1 + width * pixel)) % 256).astype(np.uint8)
    kinds = draw(st.sampled_from([[0], [1], [2], [3], [4], [1, 2, 4], [0, 1, 2, 3, 4]]))
    rows[:, 0] = draw_bytes.choice(kinds, height)
    return rows


@needs_library
@pytest.mark.parametrize("pixel", [1, 2, 3, 4, 6, 8])
@given(st.data())
def test_every_filter_is_undone_as_the_specification_says(pixel: int, data: st.DataObject) -> None:
    rows = data.draw(filtered_rows(pixel))

    found = unfiltered(rows.tobytes(), len(rows), rows.shape[1] - 1, pixel)

    assert found is not None
    assert np.array_equal(slowly(rows, pixel), found)


@needs_library
@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3)])
@given(st.data())
def test_every_filter_is_undone_as_pillow_does(colour: int, channels: int, data: st.DataObject) -> None:
    rows = data.draw(filtered_rows(channels))
    whole = png_of_rows(rows.tobytes(), len(rows), (rows.shape[1] - 1) // channels, colour=colour)

    found = decode_plain(whole, *MUCH)

    assert found is not None
    assert np.array_equal(pillows(whole), found)


@needs_library
@pytest.mark.parametrize("shape", [(1024, 1024, 1), (33, 20_000, 8), (4099, 1, 3), (17, 4097, 4)])
def test_large_ones_too(shape: tuple[int, int, int]) -> None:
    """Of a row the vectors take sixteen bytes at once, of a picture sixteen rows: undone once more, rows are what they were."""
    height, width, pixel = shape
    pixels = np.random.default_rng(1).integers(0, 256, (height, width * pixel), np.uint8)
    up = np.zeros_like(pixels)
    up[1:] = pixels[:-1]
    left = np.pad(pixels, ((0, 0), (pixel, 0)))[:, : width * pixel]
    kinds = np.arange(height) % 3
    guess = np.select([(kinds == one)[:, None] for one in range(3)], [np.zeros_like(up), left, up])
    filtered = np.hstack([kinds[:, None].astype(np.uint8), pixels - guess])

    found = unfiltered(filtered.tobytes(), height, width * pixel, pixel)

    assert found is not None
    assert np.array_equal(pixels, found)


@needs_library
@pytest.mark.parametrize("kind", [5, 6, 127, 255])
@pytest.mark.parametrize("row", [0, 15, 16, 20])
def test_a_filter_that_does_not_exist_is_none(kind: int, row: int) -> None:
    rows = np.zeros((21, 8), np.uint8)
    rows[row, 0] = kind

    assert unfiltered(rows.tobytes(), 21, 7, 1) is None


@needs_library
@pytest.mark.parametrize("count", [0, 1, 167, 169])
def test_too_few_or_too_many_bytes_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="21 rows of 8"):
        unfiltered(bytes(count), 21, 7, 1)


@needs_library
@pytest.mark.parametrize("pixel", [0, 5, 7, 9, 2**63])
def test_pixels_of_a_size_that_png_has_not_are_none(pixel: int) -> None:
    assert unfiltered(bytes(21 * 8), 21, 7, pixel) is None


@pytest.mark.parametrize("content", [b"", b"not a library", b"\x7fELF" + bytes(60), None])
def test_a_library_that_can_not_be_used_is_none(content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of another machine, a half one, and one of another time, which has no function of that name."""
    path = tmp_path / "snag_unfilter.so"
    if content is not None:
        path.write_bytes(content)
    origin = str(path) if content is not None else ctypes.CDLL(None)._name
    monkeypatch.setattr(unfilter, "find_spec", lambda _: ModuleSpec("snag_unfilter", None, origin=origin))

    assert unfilter._loaded() is None


def test_where_there_is_none_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfilter, "find_spec", lambda _: None)

    assert unfilter._loaded() is None


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """The command as a module."""
    spec = importlib.util.spec_from_file_location("native_build", BUILD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestBuild:
    def test_without_a_compiler_it_says_so_in_one_line_and_goes_on(self, tmp_path: Path) -> None:
        done = subprocess.run([sys.executable, BUILD, tmp_path], env={"PATH": ""}, capture_output=True, text=True, check=False)

        assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (0, "", [])
        assert done.stdout.startswith("PNGs will be decoded more slowly, with the same pixels: ")
        assert done.stdout.count("\n") == 1

    @pytest.mark.parametrize(("compiler", "is_in_the_way"), [("gcc '", False), ("cc", True)])
    def test_whatever_is_wrong_it_goes_on(self, tmp_path: Path, compiler: str, is_in_the_way: bool) -> None:
        """A CC that is no command, and a folder of the library's name where it shall lie."""
        if is_in_the_way:
            (tmp_path / "snag_unfilter.so").mkdir()
        chosen = os.environ | {"CC": compiler}

        done = subprocess.run([sys.executable, BUILD, tmp_path], env=chosen, capture_output=True, text=True, check=False)

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("PNGs will be decoded more slowly, with the same pixels: ")

    def test_a_compiler_that_fails_is_quoted_and_leaves_nothing(
        self, build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CC", "false")
        (tmp_path / "snag_unfilter.so").write_bytes(b"an older one")

        trouble = build.build(tmp_path)

        assert trouble.startswith("`false -O3") or "x86-64" in trouble
        assert list(tmp_path.iterdir()) == []

    @needs_library
    def test_what_it_makes_is_what_is_loaded(self, build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        trouble = build.build(tmp_path)
        if trouble is not None:
            pytest.skip(trouble)
        found = str(tmp_path / build.NAME)
        monkeypatch.setattr(unfilter, "find_spec", lambda _: ModuleSpec("snag_unfilter", None, origin=found))

        assert [path.name for path in tmp_path.iterdir()] == ["snag_unfilter.so"]
        assert unfilter._loaded() is not None
