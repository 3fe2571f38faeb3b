"""What a PNG says of itself before any pixel is inflated: whether it is a plain one, and where its pixels lie."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from isal import isal_zlib

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER: Final = struct.Struct(">IIBBBBB")  #: width, height, depth, colour, compression, filter, interlace
_CHUNK: Final = struct.Struct(">I4s")
_SUM: Final = struct.Struct(">I")
_CHANNELS: Final = {0: 1, 2: 3, 4: 2, 6: 4}
#: Chunks that do not change the picture, whatever is in them.
_IDLE: Final = frozenset({b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"tIME", b"bKGD"})
_TEXTS: Final = frozenset({b"tEXt", b"iTXt"})
#: Pillow keeps texts beside what it knows of the picture: one called `transparency` would be taken for it. These are the names
#: of the specification, and what common programs write.
_TITLES: Final = frozenset(
    b"title,author,description,copyright,creation time,software,disclaimer,warning,source,comment,"
    b"xml:com.adobe.xmp,date:create,date:modify,date:timestamp".split(b",")
)
_MOST_TEXT: Final = 1 << 20  #: bytes; Pillow has limits of its own, far above
#: Chunks of pixels; encoders put 8 kB and more into one. Each takes hundreds of bytes here, and may hold none.
_MOST_CHUNKS: Final = 1 << 16


@dataclass(frozen=True)
class PlainPng:
    """A PNG of 8 or 16 bits, grey or colour, with or without alpha, not interlaced, with nothing that changes how it looks."""

    height: int
    width: int
    depth: int  #: bits a value
    channels: int  #: 1, 2 (grey and alpha), 3 or 4
    pixels: Sequence[slice]  #: where the chunks of pixels lie: their kind and what is in them, each followed by its sum

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel."""
        return self.channels * self.depth // 8

    @property
    def filtered_bytes(self) -> int:
        """Bytes of all rows, each with its filter's name."""
        return self.height * (self.width * self.pixel_bytes + 1)


def plain_png(data: bytes) -> PlainPng | None:
    """What `data` says, or None: not such a PNG, or it says it in a way that is left to a library."""
    if not data.startswith(_SIGNATURE):
        return None
    found, pixels, is_over, texts = None, list[slice](), False, 0
    place, start = len(_SIGNATURE), 0
    while place + _CHUNK.size <= len(data):
        length, kind = _CHUNK.unpack_from(data, place)
        start, end = place + 4, place + _CHUNK.size + length
        if kind == b"IEND":
            return PlainPng(*found, pixels) if found and pixels else None
        if end + _SUM.size > len(data):
            return None
        place = end + _SUM.size
        if kind == b"IDAT" and not is_over and len(pixels) < _MOST_CHUNKS:
            pixels.append(slice(start, end))
            continue
        is_over = bool(pixels)
        texts += length * (kind in _TEXTS)
        if texts > _MOST_TEXT or not has_right_sum(data, slice(start, end)):
            return None
        payload = data[start + 4 : end]
        if found is None:
            found = _header(kind, payload)
            if found is None:
                return None
        elif not _is_idle(kind, payload):
            return None
    return None


def has_right_sum(data: bytes, chunk: slice) -> bool:
    """Whether kind and content of a chunk have the sum that stands behind them."""
    return bool(_SUM.unpack_from(data, chunk.stop)[0] == isal_zlib.crc32(memoryview(data)[chunk]))


def _header(kind: bytes, payload: bytes) -> tuple[int, int, int, int] | None:
    """Height, width, depth and channels."""
    if kind != b"IHDR" or len(payload) != _HEADER.size:
        return None
    width, height, depth, colour, *rest = _HEADER.unpack(payload)
    channels = _CHANNELS.get(colour)
    if channels is None or depth not in (8, 16) or rest != [0, 0, 0] or not width * height:
        return None
    return height, width, depth, channels


def _is_idle(kind: bytes, payload: bytes) -> bool:
    if kind not in _TEXTS:
        return kind in _IDLE
    title, nul, text = payload.partition(b"\0")
    is_packed = kind == b"iTXt" and text[:2] != b"\0\0"
    # XMP may say how the picture is to be turned; Pillow looks for this word.
    return bool(nul) and title.lower() in _TITLES and not is_packed and b"Orientation" not in text
