"""Files written for each picture: two pictures never share one, and nobody else's is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.client.outputs import output_files, output_stems, refuse_to_overwrite
from snag.core.errors import BadConfig

KINDS = ("heatmap", "map", "mask", "overlay", "regions")
ROOT = Path("/")  # a folder


def stems(*names: str) -> list[str]:
    return [str(stem) for stem in output_stems([ROOT / name for name in names], ROOT).values()]


def test_the_suffix_is_part_of_the_name() -> None:
    """Dots before it stay."""
    assert stems("part.png", "part.jpg", "cam1.0001.png", "cam1_0001.png", "x/a.png", "x_a.png", "006") == [
        *("part_png", "part_jpg", "cam1.0001_png", "cam1_0001_png", "x/a_png", "x_a_png", "006")
    ]


def test_names_that_would_meet_get_a_digest() -> None:
    """Both, whichever comes first, also where only case or the way of writing an umlaut tells them apart."""
    for one, other in (("a.png", "a_png"), ("A.png", "a.png"), ("\u00e9.png", "e\u0301.png"), ("x/A.png", "X/a.png")):
        found = stems(one, other)

        assert len({stem.casefold() for stem in found}) == 2
        assert stems(other, one) == found[::-1]
        assert stems(one) != found[:1]


def test_a_name_that_leaves_no_room_is_cut() -> None:
    """And told apart by its digest."""
    found = stems("x" * 250 + ".png", "x" * 249 + "y.png")

    assert len(set(found)) == 2
    assert all(len(output_files(Path(stem), KINDS)[kind].name) <= 255 for stem in found for kind in KINDS)


@given(
    st.sets(st.text("aA.1_/p", min_size=1, max_size=6).map(lambda name: name.strip("/").replace("//", "/") or "a"), max_size=8)
)
def test_no_two_pictures_share_a_file(names: set[str]) -> None:
    """Whatever they are called, on whatever file system."""
    pictures = {Path("/", name) for name in names if ".." not in name.split("/") and "." not in name.split("/")}
    found = output_stems(sorted(pictures), ROOT)

    written = [str(path).casefold() for stem in found.values() for path in output_files(stem, KINDS).values()]
    assert len(set(written)) == len(pictures) * len(KINDS)


def test_what_somebody_else_has_written_stays(tmp_path: Path) -> None:
    """Only what an earlier run wrote, known by its table, is replaced."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    picture, marker = tmp_path / "in/a.png", tmp_path / "out/predictions.csv"
    mine = tmp_path / "out/a_png_overlay.png"
    mine.write_bytes(b"mine")
    found = output_stems([picture], tmp_path / "in")

    refuse_to_overwrite(found, ["mask"], tmp_path / "out", tmp_path / "in", marker)
    with pytest.raises(BadConfig, match=r"a_png_overlay\.png is there and no earlier run wrote it; choose another --out"):
        refuse_to_overwrite(found, ["mask", "overlay"], tmp_path / "out", tmp_path / "in", marker)
    marker.touch()
    refuse_to_overwrite(found, ["overlay"], tmp_path / "out", tmp_path / "in", marker)


@pytest.mark.parametrize("out", ["in", "in/deeper"])
def test_what_is_saved_never_lies_among_the_pictures(tmp_path: Path, out: str) -> None:
    """The next run would judge it."""
    (tmp_path / "in").mkdir()

    refuse_to_overwrite({}, [], tmp_path / out, tmp_path / "in", tmp_path / "none")
    with pytest.raises(BadConfig, match=r"would be judged as pictures of .* next time; choose another --out"):
        refuse_to_overwrite({}, ["mask"], tmp_path / out, tmp_path / "in", tmp_path / "none")
