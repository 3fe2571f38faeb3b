"""Pages: a TIFF's first one is taken where the others are smaller versions of it, and nothing else with more than one."""

from __future__ import annotations

import struct
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.fuzz.handmade import chain_of_pages, tiff, tiff_tags
from snag.core.errors import UnsupportedFormat
from snag.core.picture import decode
from snag.core.tiff_pages import MOST_PAGES, TiffPage, directories, pages
from tests.support.pictures import HEIGHT, WIDTH, colour, encode, grey, planes

NOT_ALL = "it has several pages, not all of which can be read"


def paged(*sizes: tuple[int, int, int], big_tiff: bool = False) -> bytes:
    """A TIFF of the grey picture with further pages of (width, height, NewSubfileType) behind it."""
    if big_tiff:
        return _big_tiff(sizes)
    data = tiff(tiff_tags(WIDTH, HEIGHT, [8], 1), [grey().tobytes()])
    first = tiff(tiff_tags(WIDTH, HEIGHT, [8], 1), [grey().tobytes()], following=len(data) if sizes else 0)
    for place, (width, height, kind) in enumerate(sizes):
        start = len(first)
        entries = [(254, 4, 1, kind), (256, 4, 1, width), (257, 3, 1, height)]
        following = start + 2 + 36 + 4 if place + 1 < len(sizes) else 0
        first += struct.pack("<H", 3) + b"".join(struct.pack("<HHII", *one) for one in entries) + struct.pack("<I", following)
    return first


def _big_tiff(sizes: tuple[tuple[int, int, int], ...]) -> bytes:
    data = encode(grey(), "TIFF", big_tiff=True)
    (start,) = struct.unpack_from("<Q", data, 8)
    (count,) = struct.unpack_from("<Q", data, start)
    link = start + 8 + 20 * count
    ((width, height, kind),) = sizes
    entries = [(254, 4, 1, kind), (256, 4, 1, width), (257, 3, 1, height)]
    more = struct.pack("<Q", 3) + b"".join(struct.pack("<HHQQ", *one) for one in entries) + bytes(8)
    return data[:link] + struct.pack("<Q", len(data)) + data[link + 8 :] + more


@pytest.mark.parametrize(
    "data",
    [
        paged((6, 5, 1)),
        paged((6, 5, 1), (3, 2, 1)),
        paged((WIDTH, HEIGHT, 1)),
        paged((6, 5, 1), big_tiff=True),
    ],
    ids=["a preview", "a pyramid", "packed harder", "BigTIFF"],
)
def test_the_first_page_is_taken_where_others_are_marked_as_smaller_versions(data: bytes) -> None:
    assert np.array_equal(planes(grey()), decode(data).numpy())


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (encode(grey(), "TIFF", save_all=True, append_images=[Image.fromarray(grey())] * 2), "it has 3 pages"),
        (paged((6, 5, 0)), "it has 2 pages"),
        (paged((WIDTH + 1, HEIGHT, 1)), "it has 2 pages"),
        (paged((6, 5, 4)), "it has 2 pages"),
        (paged((0, 5, 1)), NOT_ALL),
        (paged((6, 5, 1), (6, 5, 1))[:-20], NOT_ALL),
        (chain_of_pages(), NOT_ALL),
    ],
    ids=["equal", "unmarked", "larger", "a mask", "none", "cut off", "a chain"],
)
def test_others_are_refused_with_their_number_and_what_would_be_taken(data: bytes, detail: str) -> None:
    with pytest.raises(UnsupportedFormat) as caught:
        decode(data)

    assert str(caught.value) == (
        f"not a picture that can be read: {detail}; expected one of PNG, JPEG, BMP, TIFF, WEBP with a single picture, "
        "or pages behind it that are marked as smaller versions of the first (NewSubfileType 1)"
    )


def test_what_pages_say_of_themselves() -> None:
    assert pages(paged((6, 5, 1), (3, 2, 0))) == [
        TiffPage(WIDTH, HEIGHT, False),
        TiffPage(6, 5, True),
        TiffPage(3, 2, False),
    ]
    assert pages(encode(colour(), "TIFF")) == [TiffPage(WIDTH, HEIGHT, False)]


def test_a_circle_of_pages_ends() -> None:
    data = tiff(tiff_tags(WIDTH, HEIGHT, [8], 1), [grey().tobytes()], following=8)

    assert len(pages(data)) == 1


def test_directories_that_overlap_end_with_the_file() -> None:
    """A thousand of them, each of nearly the whole file, would cost minutes."""
    count, room = 60_000, bytearray(12 * 60_000 + 10_000)
    room[:8] = b"II*\0" + struct.pack("<I", 8)
    for place in range(500):
        start = 8 + 6 * place
        room[start : start + 2] = struct.pack("<H", count)
        link = start + 2 + 12 * count
        room[link : link + 4] = struct.pack("<I", start + 6)

    assert sum(len(tags) for tags in directories(bytes(room))) <= len(room) // 12


@given(st.sampled_from([b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"]), st.binary(max_size=80))
def test_any_bytes_have_pages(head: bytes, rest: bytes) -> None:
    assert len(list(islice(directories(head + rest), MOST_PAGES + 2))) <= MOST_PAGES + 1
