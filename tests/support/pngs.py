"""PNGs put together from filtered rows, sound and otherwise."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

from benchmarks.fuzz.handmade import chunk, png_header
from snag.core import plain_png
from snag.core.errors import BrokenPicture
from snag.core.picture import decode

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_of_rows(filtered: bytes, height: int, width: int, depth: int = 8, colour: int = 0) -> bytes:
    """A PNG of rows that are filtered already."""
    return png_of_chunks(height, width, [chunk(b"IDAT", zlib.compress(filtered))], depth, colour)


def png_of_chunks(height: int, width: int, chunks: Sequence[bytes], depth: int = 8, colour: int = 0) -> bytes:
    """A PNG with these chunks between its header and its end."""
    return b"".join([SIGNATURE, png_header(width, height, depth, colour), *chunks, chunk(b"IEND", b"")])


def with_sum(kind: bytes, payload: bytes, wrong: int) -> bytes:
    """A chunk whose sum is another by `wrong`."""
    right = zlib.crc32(kind + payload)
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", right ^ wrong)


@contextmanager
def by_own_library(is_there: bool) -> Iterator[None]:
    """As if it were compiled, or were not."""
    with patch.object(plain_png, "can_unfilter", lambda: is_there):
        yield


def decoded(data: bytes) -> list[object]:
    """Shape, type and pixels, or the error and its sentence."""
    try:
        found = decode(data)
    except BrokenPicture as error:
        return [type(error), str(error)]
    return [tuple(found.shape), found.dtype, found.numpy().tobytes()]
