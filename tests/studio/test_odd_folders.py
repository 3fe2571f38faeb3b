"""Folders and pictures that are odd: none of them takes a page down, and no two products share a place."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from nicegui.testing import User
from PIL import Image

from snag.cli.lock import is_locked
from snag.core.errors import BadConfig, BadDataset
from snag.studio import marks, uploads
from snag.studio.album import album_of
from snag.studio.app import build
from snag.studio.pages.frame import picture_address
from snag.studio.products import Workshop
from snag.studio.thumbnails import shrunk
from snag.studio.uploads import Brought
from tests.support.studio import png, product_with, walk


def test_the_first_page_shows_the_others_and_says_which_folders_it_leaves_out(workshop: Workshop) -> None:
    product_with(workshop, "bolt")
    product_with(workshop, "nut")
    workshop.runs.mkdir(parents=True)
    (workshop.runs / "nut").write_text("a file")
    (workshop.data_root / os.fsdecode(b"gr\xf6sse")).mkdir()
    for name in ("M8 screw", "M8-screw"):
        (workshop.data_root / name).mkdir()

    async def steps(user: User) -> None:
        await user.open("/")
        for words in ("bolt", "M8 screw", "'M8-screw' is left out", "no UTF-8", "'nut' is left out"):
            await user.should_see(words)

    walk(workshop, steps)

    assert [one.name for one in workshop.products()] == ["M8 screw", "bolt"]


@pytest.mark.parametrize("name", ["studio", "server-8080", "server-9000", "labels.sqlite", "tokens.json", "M8-screw", "file"])
def test_a_product_takes_no_place_that_is_taken(workshop: Workshop, name: str) -> None:
    (workshop.data_root / "M8 screw").mkdir(parents=True)
    workshop.runs.mkdir(parents=True)
    (workshop.runs / "file").write_text("")

    with pytest.raises(BadConfig, match="expected another name"):
        workshop.create(name)

    assert not (workshop.data_root / name).exists()


def test_a_lock_below_a_file_is_held_by_nobody(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")

    assert not is_locked(tmp_path / "run/job.lock")


def test_a_picture_is_shown_whatever_bytes_its_name_has(workshop: Workshop) -> None:
    product = product_with(workshop, good=0)
    for name in (os.fsdecode(b"gr\xf6sse.png"), "a\\x41.png"):
        (product.good / name).write_bytes(png(1))

    async def steps(user: User) -> None:
        for name in album_of(product).good:
            assert (await user.http_client.get(picture_address(product, name))).status_code == 200

    walk(workshop, steps)


def test_links_that_lead_in_a_circle_are_followed_once(workshop: Workshop) -> None:
    product = product_with(workshop, good=1)
    for number in range(3):
        (product.good / f"again-{number}").symlink_to(product.good)

    assert album_of(product).good == ("train/good/00000.png",)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1)])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_of_one_pixel_has_a_thumbnail(size: tuple[int, int], mode: str) -> None:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, "PNG")

    made = shrunk(buffer.getvalue())

    assert made is not None
    assert Image.open(io.BytesIO(made)).size == size


def test_what_was_set_aside_is_not_brought_back(workshop: Workshop) -> None:
    product, brought = product_with(workshop, good=1), Brought()
    marks.mark(product, "train/good/00000.png", True)
    marks.set_aside(product)

    uploads.bring_in_picture(product, "00000.png", png(0), "train/good", brought)

    assert (brought.known, album_of(product).good) == (1, ())


def test_the_longest_name_is_numbered_and_a_hidden_one_left_out(workshop: Workshop) -> None:
    product, brought = product_with(workshop, good=0), Brought()
    longest = "ä" * 125 + "a.png"
    for name, seed in ((longest, 1), (longest, 2), (".a.png", 3)):
        uploads.bring_in_picture(product, name, png(seed), "train/good", brought)

    assert (brought.new, brought.others) == (2, [".a.png"])
    assert len(album_of(product).good) == 2


def test_of_a_film_only_the_beginning_is_read_and_files_are_counted(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    product, source = product_with(workshop, good=0), tmp_path / "camera"
    source.mkdir()
    (source / "film.mp4").write_bytes(b"film" * 1000)
    monkeypatch.setattr(uploads, "_BYTES", 500)

    assert uploads.bring_in(product, source, "train/good") == Brought(0, 0, ["film.mp4"])

    monkeypatch.setattr(uploads, "_FILES", 0)
    with pytest.raises(BadDataset, match="more files than allowed"):
        uploads.bring_in(product, source, "train/good")


@pytest.mark.parametrize("place", ["overlay", "spooled"])
def test_a_request_id_may_hold_slashes(workshop: Workshop, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    asked: list[str] = []
    monkeypatch.setitem(build.__globals__, "spooled_of", lambda _, request_id: asked.append(request_id))

    async def steps(user: User) -> None:
        await user.http_client.get(f"/{place}/line%2F7")

    walk(workshop, steps)

    assert asked == ["line/7"]
