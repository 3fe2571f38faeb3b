"""The pages of a TIFF, told by their directories alone: none is decoded, and no tag is followed to where it points."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

#: Those of TIFF and BigTIFF, and of TIFF with the second half turned round: Pillow reads such files as well.
_SIGNATURES: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II\0*", b"MM*\0")
#: A scanner's picture with all of its smaller versions has a dozen pages.
MOST_PAGES: Final = 1000
#: Bytes of one value of each type (TIFF 6.0, section 2; BigTIFF).
TYPE_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
#: Letters of `struct` for the types of integers that count, or say where something is.
LETTERS: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_NEW_SUBFILE, _WIDTH, _HEIGHT = 254, 256, 257
_SMALLER: Final = 1  #: the bit of NewSubfileType that says "a reduced-resolution version of another page"


@dataclass(frozen=True)
class TiffTag:
    """One entry of a directory."""

    number: int
    kind: int
    count: int
    value: bytes  #: the field that holds the value, or where it is

    def first(self, order: str) -> int:
        """Its first value; 0 where that is no integer or lies elsewhere."""
        letter = LETTERS.get(self.kind)
        return struct.unpack_from(order + letter, self.value)[0] if letter else 0


@dataclass(frozen=True)
class TiffPage:
    """What a page says of itself."""

    width: int
    height: int
    is_smaller_version: bool  #: of another page, as it says

    def is_preview_of(self, first: TiffPage) -> bool:
        """Whether it shows what `first` shows, and no more of it."""
        return self.is_smaller_version and 0 < self.width <= first.width and 0 < self.height <= first.height


def is_tiff(data: bytes) -> bool:
    """Whether it begins like a TIFF or BigTIFF, in either byte order."""
    return data[:4] in _SIGNATURES


def byte_order(data: bytes) -> str:
    """Of a TIFF, as `struct` writes it."""
    return "<" if data[:2] == b"II" else ">"


def directories(data: bytes) -> Iterator[list[TiffTag]]:
    """The tags of each page in turn, and an empty list at the end of a chain that the file does not have whole.

    No directory is read twice, and all together are no longer than the file: they may not overlap without end.
    """
    order, is_big, seen = byte_order(data), 43 in data[2:4], set[int]()
    offset, head, entry = ("Q", "Q", "HHQ8s") if is_big else ("I", "H", "HHI4s")
    entries, at, left = struct.Struct(order + entry), 8 if is_big else 4, len(data)
    while len(seen) < MOST_PAGES:
        try:
            (start,) = struct.unpack_from(order + offset, data, at)
            if not start or start in seen:
                return
            (count,) = struct.unpack_from(order + head, data, start)
        except (struct.error, OverflowError):
            break
        seen.add(start)
        first = start + struct.calcsize(order + head)
        whole = max(0, min(count, (min(len(data), first + left) - first) // entries.size))
        at, left = first + count * entries.size, left - whole * entries.size
        yield [TiffTag(*fields) for fields in entries.iter_unpack(data[first : first + whole * entries.size])]
        if whole < count:
            break
    yield []


def pages(data: bytes) -> list[TiffPage]:
    """Every page of a TIFF, in order."""
    order = byte_order(data)
    tables = ({tag.number: tag.first(order) for tag in tags} for tags in directories(data))
    return [
        TiffPage(table.get(_WIDTH, 0), table.get(_HEIGHT, 0), bool(table.get(_NEW_SUBFILE, 0) & _SMALLER)) for table in tables
    ]
