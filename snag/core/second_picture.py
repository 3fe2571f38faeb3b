"""A second picture behind the first in the same bytes: a decoder would take the first, and the other would go unseen.

What may stand behind a picture is left alone: padding, a maker's own trailer, the smaller versions of itself that a phone's
JPEG announces (CIPA DC-007; Google's GContainer). Refused is what begins like a picture file where the first one ends.
"""

from __future__ import annotations

import re
import struct
from typing import Final

from snag.core.errors import BrokenPicture
from snag.core.picture_formats import SIGNATURE
from snag.core.tiff_pages import LETTERS, TYPE_BYTES, byte_order, is_tiff

_SIGNATURE: Final = re.compile(SIGNATURE.pattern + rb"|GIF8[79]a", re.DOTALL)
_PADDING: Final = re.compile(rb"[\0\t\n\r ]*")
_MARKER: Final = re.compile(rb"\xff[^\0\xd0-\xd7\xff]", re.DOTALL)  #: in a scan everything else is data
_ANNOUNCED: Final = (b"MPF\0", b"http://ns.google.com/photos/1.0/container/")
_MOST: Final = 100_000  #: entries and places of a TIFF, chunks or markers of the others, that are looked at
_PIECES: Final = ((273, 279), (324, 325), (513, 514))  #: tags of offsets and of byte counts: strips, tiles, a thumbnail
_FURTHER: Final = (330, 34665, 34853)  #: tags of further directories


def refuse_second_picture(data: bytes) -> None:
    """Raise BrokenPicture where another picture file begins behind the first. Bytes that are damaged are not its business."""
    try:
        end = _end(data)
    except (struct.error, IndexError, OverflowError):  # cut off: the decoder's own words will do
        return
    if end is None:
        return
    padding = _PADDING.match(data, min(end, len(data)))
    if padding is not None and _SIGNATURE.match(data, padding.end()):
        raise BrokenPicture(detail="behind its end another picture begins; expected one picture")


def _end(data: bytes) -> int | None:
    """Where the first picture ends; None where that is unknown."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _end_of_png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _end_of_jpeg(data)
    if data.startswith(b"RIFF"):
        size = struct.unpack_from("<I", data, 4)[0]
        return 8 + size + size % 2
    if data.startswith(b"BM"):
        return struct.unpack_from("<I", data, 2)[0] or None
    if is_tiff(data):
        return _Tiff(data).end()
    return None


def _end_of_png(data: bytes) -> int | None:
    at = 8
    for _ in range(_MOST):
        size, kind = struct.unpack_from(">I4s", data, at)
        at += 12 + size
        if kind == b"IEND":
            return at
    return None


def _end_of_jpeg(data: bytes) -> int | None:
    at = 2
    for _ in range(_MOST):
        if (marker := _MARKER.search(data, at)) is None:
            return None
        at, kind = marker.end(), data[marker.end() - 1]
        if kind == 0xD9:
            return at
        if kind == 0xD8:  # no end came before another one's beginning
            return marker.start()
        if kind == 0x01:
            continue
        size = struct.unpack_from(">H", data, at)[0]
        if any(data.find(word, at, at + size) >= 0 for word in _ANNOUNCED if kind in (0xE1, 0xE2)):
            return None
        at += size
    return None


class _Tiff:
    """The directories of a TIFF, as far as they say which bytes are its own."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = byte_order(data)
        self._is_big = 43 in data[2:4]
        self._word = "Q" if self._is_big else "I"
        self._inside = 8 if self._is_big else 4  #: bytes of a value that stands in its entry
        self._left = _MOST
        self._last = 0

    def end(self) -> int | None:
        """The end of the last byte that any directory names; None where there are too many to look at."""
        waiting, seen = [self._number(self._word, 8 if self._is_big else 4)], set[int]()
        while waiting:
            at = waiting.pop()
            if at and at not in seen:
                seen.add(at)
                waiting += self._directory(at)
            if self._left <= 0:
                return None
        return self._last

    def _directory(self, at: int) -> list[int]:
        """Go through one directory; where further ones are."""
        count = self._number("Q" if self._is_big else "H", at)
        at += 8 if self._is_big else 2
        entry = 20 if self._is_big else 12
        tags: dict[int, list[int]] = {}
        self._left -= count + 1
        if self._left <= 0:
            return []
        for start in range(at, at + entry * count, entry):
            tag, values = self._entry(start)
            tags[tag] = values
        for offsets, counts in _PIECES:
            for offset, size in zip(tags.get(offsets, []), tags.get(counts, []), strict=False):
                self._last = max(self._last, offset + size)
        after = at + entry * count
        self._last = max(self._last, after + self._inside)
        return [self._number(self._word, after), *(one for tag in _FURTHER for one in tags.get(tag, []))]

    def _entry(self, start: int) -> tuple[int, list[int]]:
        tag, kind, count = struct.unpack_from(self._order + "HH" + self._word, self._data, start)
        at, size = start + 4 + self._inside, TYPE_BYTES.get(kind, 0) * count
        if size > self._inside:
            at = self._number(self._word, at)
            self._last = max(self._last, at + size)
        holds_places = kind in LETTERS and any(tag in (*_FURTHER, *pair) for pair in _PIECES)
        self._left -= count if holds_places else 0
        if not holds_places or self._left <= 0:
            return tag, []
        return tag, list(struct.unpack_from(f"{self._order}{count}{LETTERS[kind]}", self._data, at))

    def _number(self, format_: str, at: int) -> int:
        return int(struct.unpack_from(self._order + format_, self._data, at)[0])
