"""PNGs that are damaged, hostile or only odd are answered with our library for filters as they are without it."""

from __future__ import annotations

import struct
import zlib
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fuzz.handmade import chunk
from snag.core import plain_png, png_chunks
from snag.core.errors import BrokenPicture
from snag.core.picture import decode
from snag.core.unfilter import can_unfilter
from tests.core.test_plain_png import WAYS
from tests.support.pngs import by_own_library, decoded, png_of_chunks, png_of_rows, with_sum

ROWS = bytes(10 * 14)
PACKED = zlib.compress(ROWS)


def idat(payload: bytes) -> bytes:
    """A chunk of pixels."""
    return chunk(b"IDAT", payload)


#: Chunks of a grey picture, 10 x 13, that are not as they should be, or only odd.
ODD = {
    "a filter that does not exist": [idat(zlib.compress(b"\5" + ROWS[1:]))],
    "such a filter in the last row": [idat(zlib.compress(ROWS[:-14] + b"\xff" + bytes(13)))],
    "a row too little": [idat(zlib.compress(ROWS[:-14]))],
    "a byte too little": [idat(zlib.compress(ROWS[:-1]))],
    "a byte too much": [idat(zlib.compress(ROWS + b"\0"))],
    "a row too much": [idat(zlib.compress(ROWS + bytes(14)))],
    "a million bytes too much": [idat(zlib.compress(ROWS + bytes(10**6)))],
    "no sum behind the deflated": [idat(PACKED[:-4])],
    "another sum behind the deflated": [idat(PACKED[:-1] + b"?")],
    "half of the deflated": [idat(PACKED[: len(PACKED) // 2])],
    "bytes behind the deflated": [idat(PACKED + b"more")],
    "a second picture deflated behind": [idat(PACKED + PACKED)],
    "not deflated at all": [idat(ROWS)],
    "deflated with a dictionary": [idat(b"\x78\xbb" + b"\0\0\0\1" + PACKED[2:])],
    "a window of another size": [idat(b"\x08\x1d" + PACKED[2:])],
    "a window that is too large": [idat(b"\x88\x1c" + PACKED[2:])],
    "as in a gzip": [idat(zlib.compress(ROWS, wbits=31))],
    "raw deflate": [idat(zlib.compress(ROWS, wbits=-15))],
    "a wrong sum": [with_sum(b"IDAT", PACKED, wrong=1)],
    "a wrong sum in the second": [idat(PACKED[:9]), with_sum(b"IDAT", PACKED[9:], wrong=1)],
    "byte by byte": [idat(PACKED[at : at + 1]) for at in range(len(PACKED))],
    "with empty chunks": [idat(b""), idat(PACKED[:5]), idat(b""), idat(PACKED[5:]), idat(b"")],
    "only empty chunks": [idat(b""), idat(b"")],
    "no pixels": [],
    "something between the pixels": [idat(PACKED[:5]), chunk(b"tIME", bytes(7)), idat(PACKED[5:])],
    "pixels once more behind something": [idat(PACKED), chunk(b"tIME", bytes(7)), idat(PACKED)],
    "a second header": [chunk(b"IHDR", struct.pack(">IIBBBBB", 5, 5, 8, 0, 0, 0, 0)), idat(PACKED)],
    "a chunk of no length that is known": [chunk(b"gAMA", b""), idat(PACKED)],
    "a chunk that nobody knows": [chunk(b"abcd", b""), idat(PACKED)],
    "a chunk that nobody knows and everybody must": [chunk(b"ABCD", b""), idat(PACKED)],
}


@pytest.mark.skipif(not can_unfilter(), reason="there is one way")
@pytest.mark.parametrize("chunks", ODD.values(), ids=ODD)
@pytest.mark.parametrize("colour_type", [0, 4])
def test_an_odd_one_is_answered_as_it_is_without_our_library(chunks: list[bytes], colour_type: int) -> None:
    """The same error in the same words, or the same pixels."""
    data = png_of_chunks(10, 13 if colour_type == 0 else 6, chunks, colour=colour_type)

    with by_own_library(True):
        found = decoded(data)
    with by_own_library(False):
        expected = decoded(data)

    assert found == expected


@pytest.mark.skipif(not can_unfilter(), reason="there is one way")
@given(st.data(), st.sampled_from([0, 2, 4, 6]), st.sampled_from([8, 16]))
def test_a_spoilt_one_is_answered_as_it_is_without_our_library(data: st.DataObject, colour_type: int, depth: int) -> None:
    """Whatever is changed in filtered rows or in deflated bytes, with every sum of a chunk right."""
    pixel = {0: 1, 2: 3, 4: 2, 6: 4}[colour_type] * depth // 8
    rows = data.draw(st.binary(min_size=0, max_size=6 * (5 * pixel + 1) + 3))
    packed = bytearray(zlib.compress(rows.ljust(6 * (5 * pixel + 1), b"\2"), data.draw(st.integers(0, 9))))
    for _ in range(data.draw(st.integers(0, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    whole = png_of_chunks(6, 5, [idat(bytes(packed))], depth, colour_type)

    with by_own_library(True):
        found = decoded(whole)
    with by_own_library(False):
        expected = decoded(whole)

    assert found == expected


@pytest.mark.parametrize("way", WAYS)
def test_what_can_not_be_in_so_few_bytes_takes_no_memory(way: bool) -> None:
    """A header that promises 50 megapixels of colour, and hardly anything behind it."""
    data = png_of_rows(bytes(14), 5_000, 10_000, 16, 2)

    with by_own_library(way), patch.object(plain_png, "unfiltered") as work, pytest.raises(BrokenPicture):
        decode(data)

    assert not work.called


@pytest.mark.parametrize(("empty", "is_plain"), [(2**16 - 1, True), (2**16, False)])
def test_of_chunks_that_hold_nothing_so_many_are_noted_and_no_more(empty: int, is_plain: bool) -> None:
    """Fifteen megabytes of them took four hundred; the pixels are there either way."""
    data = png_of_chunks(10, 13, [idat(PACKED), *[idat(b"")] * empty])

    assert (png_chunks.plain_png(data) is not None) == is_plain
    assert decode(data).shape == (1, 10, 13)
