"""The good pictures: found, told apart by a digest, looked at."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from PIL import Image

from snag.core.errors import NoPictures, TooFewPictures, UnreadablePictures
from snag.training.data.dataset import LEAST_PICTURES, digest_of, good_pictures, read
from snag.training.data.survey import summarise, survey
from tests.support.parts import as_bytes, good_picture, write_data_set

# --- the folder -------------------------------------------------------------------------------------------------------------


def test_good_pictures_are_found_in_sorted_order_whatever_their_kind_and_nothing_else(tmp_path: Path) -> None:
    folder = write_data_set(tmp_path, 9, (16, 16)) / "train" / "good"
    for name in ("B.BMP", "a.jpg", "c.jpeg", "d.tif", "e.webp"):
        Image.fromarray(as_bytes(good_picture(0, (16, 16)))).save(folder / name)
    (folder / "deeper").mkdir()
    Image.fromarray(as_bytes(good_picture(1, (16, 16)))).save(folder / "deeper" / "f.png")
    (folder / "notes.txt").write_text("no picture")
    (folder / "folder.png").mkdir()

    found = [path.relative_to(folder).as_posix() for path in good_pictures(tmp_path)]

    numbered = [f"{i:03d}.png" for i in range(9)]
    assert found == [*numbered, "B.BMP", "a.jpg", "c.jpeg", "d.tif", "deeper/f.png", "e.webp"]


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "no pictures"])
def test_no_good_pictures_is_an_error_that_says_where_they_belong(tmp_path: Path, there: str) -> None:
    folder = tmp_path / "train" / "good"
    if there != "nothing":
        folder.mkdir(parents=True)
    if there == "no pictures":
        (folder / "readme.md").write_text("soon")

    with pytest.raises(NoPictures) as caught:
        good_pictures(tmp_path)

    assert str(caught.value) == (
        f"no pictures in {folder}; expected good pictures in <DATA>/train/good (PNG, JPEG, BMP, TIFF or WebP)"
        + ("; left out: 1 file that is no picture: readme.md" if there == "no pictures" else "")
    )


def test_too_few_good_pictures_is_an_error_that_says_how_many_are_needed(tmp_path: Path) -> None:
    write_data_set(tmp_path, LEAST_PICTURES - 1, (16, 16))

    with pytest.raises(TooFewPictures) as caught:
        good_pictures(tmp_path)

    assert str(caught.value) == f"11 good pictures in {tmp_path / 'train' / 'good'}; at least 12 are needed"


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n and no more", b"GIF89a", None])
def test_an_unreadable_picture_is_named(tmp_path: Path, content: bytes | None) -> None:
    paths = sorted((write_data_set(tmp_path, 4, (16, 16)) / "train" / "good").iterdir())
    if content is None:
        content = paths[2].read_bytes()[:-60]  # truncated
    paths[2].write_bytes(content)

    with pytest.raises(UnreadablePictures, match=r"002\.png"):
        survey(paths)
    with pytest.raises(UnreadablePictures, match=r"002\.png"):
        read(paths[2])


def test_a_picture_that_vanished_is_named_too(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePictures, match=r"gone\.png"):
        read(tmp_path / "gone.png")


def test_bare_pixels_on_disk_are_no_picture(tmp_path: Path) -> None:
    """Only a client may send exactly 1024 x 1024 bytes without saying what they are."""
    path = tmp_path / "raw.png"
    path.write_bytes(bytes(1024 * 1024))

    with pytest.raises(UnreadablePictures):
        read(path)


# --- the digest -------------------------------------------------------------------------------------------------------------


def test_the_digest_is_sha256_over_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, content in (("a.png", b"one"), ("sub/b.png", b"two")):
        (tmp_path / name).write_bytes(content)
    lines = "".join(
        f"{name}\0{hashlib.sha256(content).hexdigest()}\n" for name, content in (("a.png", b"one"), ("sub/b.png", b"two"))
    )

    digest = digest_of([tmp_path / "a.png", tmp_path / "sub" / "b.png"], tmp_path)

    assert digest == hashlib.sha256(lines.encode()).hexdigest()


def test_the_digest_changes_with_a_byte_a_name_or_one_file_more_and_not_with_the_folder(tmp_path: Path) -> None:
    def digest(folder: str, files: dict[str, bytes]) -> str:
        root = tmp_path / folder
        root.mkdir()
        for name, content in files.items():
            (root / name).write_bytes(content)
        return digest_of(sorted(root.iterdir()), root)

    original = digest("one", {"a": b"12", "b": b"3"})

    assert digest("two", {"a": b"12", "b": b"3"}) == original
    others = [
        digest("byte", {"a": b"12", "b": b"4"}),
        digest("name", {"a": b"12", "c": b"3"}),
        digest("more", {"a": b"12", "b": b"3", "c": b""}),
        digest("moved", {"a": b"1", "b": b"23"}),
        digest("swapped", {"a": b"3", "b": b"12"}),
    ]
    assert len({original, *others}) == 6


# --- the look at each picture -----------------------------------------------------------------------------------------------


def test_a_look_keeps_what_choosing_needs() -> None:
    picture = torch.zeros(3, 100, 50)
    picture[0] = 90
    picture[1, :50] = 30

    seen = summarise(picture)

    assert (seen.height, seen.width) == (100, 50)
    assert seen.small.shape == (1, 256, 128)
    assert seen.cells.means.shape == (16, 8)
    assert float(seen.cells.means[0, 0]) == pytest.approx(0.299 * 90 + 0.587 * 30)
    assert float(seen.cells.means[-1, -1]) == pytest.approx(0.299 * 90)
    assert seen.chroma == 90
    assert summarise(picture[:1]).chroma == 0


def test_the_survey_looks_at_the_pictures_in_their_order(tmp_path: Path) -> None:
    write_data_set(tmp_path, 12, (32, 24))
    paths = good_pictures(tmp_path)

    seen = survey(paths)

    assert [one.small.tolist() for one in seen] == [summarise(read(path)).small.tolist() for path in paths]
