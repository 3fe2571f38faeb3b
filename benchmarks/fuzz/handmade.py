"""Picture files written byte by byte: kinds that Pillow can read but not write, and kinds that nobody should send."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

_PASSES: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind: bytes, payload: bytes) -> bytes:
    """One chunk with its length and check sum."""
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def png(
    pixels: np.ndarray,
    depth: int = 8,
    palette: bytes | None = None,
    before: Sequence[bytes] = (),
    interlaced: bool = False,
) -> bytes:
    """A PNG of integers [H, W] or [H, W, C] with `depth` bits each; `before` are whole chunks ahead of the pixels."""
    samples = pixels if pixels.ndim == 3 else pixels[:, :, None]
    colour_type = 3 if palette is not None else {1: 0, 2: 4, 3: 2, 4: 6}[samples.shape[2]]
    grids = [samples[y::dy, x::dx] for x, y, dx, dy in _PASSES] if interlaced else [samples]
    body = b"".join(b"\0" + packed(line, depth) for grid in grids if grid.size for line in grid)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            png_header(samples.shape[1], samples.shape[0], depth, colour_type, interlaced),
            *([chunk(b"PLTE", palette)] if palette is not None else []),
            *before,
            chunk(b"IDAT", zlib.compress(body)),
            chunk(b"IEND", b""),
        ]
    )


def png_header(width: int, height: int, depth: int, colour_type: int, interlaced: bool = False) -> bytes:
    """The IHDR chunk."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced)))


def packed(line: np.ndarray, depth: int) -> bytes:
    """Samples of one line, most significant bit first, the last byte filled up."""
    if depth == 16:
        return line.astype(">u2").tobytes()
    if depth == 8:
        return line.astype(np.uint8).tobytes()
    bits = (line.reshape(-1)[:, None] >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.reshape(-1).astype(np.uint8)).tobytes()


def png_bomb(side: int = 30_000) -> bytes:
    """A sound 1-bit PNG of side x side pixels in a few hundred kB."""
    packer = zlib.compressobj(6)
    line = b"\0" + b"\xff" * ((side + 7) // 8)
    body = b"".join(packer.compress(line * 100) for _ in range(side // 100)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + png_header(side, side, 1, 0) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}
Tags = dict[int, tuple[int, Sequence[int]]]


def tiff(tags: Tags, payloads: Sequence[bytes], *, tiled: bool = False, following: int = 0) -> bytes:
    """A little-endian TIFF of one directory; `tags` maps number -> (type, values); `payloads` are its strips or tiles."""
    offsets_tag, counts_tag = (324, 325) if tiled else (273, 279)
    tags = {**tags, offsets_tag: (4, [0] * len(payloads)), counts_tag: (4, [len(payload) for payload in payloads])}
    end_of_directory = 8 + 2 + 12 * len(tags) + 4
    packed = {tag: _values(*entry) for tag, entry in tags.items()}
    at = end_of_directory + sum(len(value) for value in packed.values() if len(value) > 4)
    offsets = []
    for payload in payloads:
        offsets.append(at)
        at += len(payload)
    packed[offsets_tag] = _values(4, offsets)
    entries, outside = b"", b""
    for tag in sorted(tags):
        kind, values = tags[tag]
        value = packed[tag]
        if len(value) > 4:
            value, outside = struct.pack("<I", end_of_directory + len(outside)), outside + value
        entries += struct.pack("<HHI", tag, kind, len(values)) + value.ljust(4, b"\0")
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)
    return b"II*\0" + struct.pack("<I", 8) + directory + outside + b"".join(payloads)


def _values(kind: int, values: Sequence[int]) -> bytes:
    return b"".join(int(value).to_bytes(_SIZES[kind], "little") for value in values)


def tiff_tags(width: int, height: int, bits: Sequence[int], photometric: int, compression: int = 1) -> Tags:
    """The tags that every TIFF needs."""
    return {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, list(bits)),
        259: (3, [compression]),
        262: (3, [photometric]),
        277: (3, [len(bits)]),
        278: (4, [height]),
    }


def tile_bomb(side: int = 8000) -> bytes:
    """A sound 16 x 16 TIFF whose only tile has side x side pixels."""
    body = zlib.compress(bytes(side * side), 6)
    return tiff(tiff_tags(16, 16, [8], 1, 8) | {322: (4, [side]), 323: (4, [side])}, [body], tiled=True)


def overlapping_tags(count: int = 4000) -> bytes:
    """A sound TIFF with `count` unknown tags that all point at the same half megabyte."""
    size = 500_000
    blob = zlib.compress(bytes(16 * 16))
    end = 8 + 2 + 12 * (9 + count) + 4
    known = {256: 16, 257: 16, 258: 8, 259: 8, 262: 1, 273: end, 277: 1, 278: 16, 279: len(blob)}
    entries = [(tag, 4, 1, value) for tag, value in known.items()] + [(40_000 + i, 7, size, 8) for i in range(count)]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8) + directory + blob + bytes(size)


def chain_of_pages(count: int = 100_000) -> bytes:
    """A sound TIFF followed by `count` empty directories."""
    first = tiff(tiff_tags(16, 16, [8], 1), [bytes(256)])
    first = tiff(tiff_tags(16, 16, [8], 1), [bytes(256)], following=len(first))
    return first + b"".join(struct.pack("<HI", 0, len(first) + 6 * (i + 1)) for i in range(count)) + bytes(6)


def endless_scans(jpeg: bytes, count: int) -> bytes:
    """A progressive JPEG with its last scan, which no longer changes anything, `count` times."""
    start = jpeg.rindex(b"\xff\xda")
    return jpeg[:start] + jpeg[start:-2] * count + jpeg[-2:]


def with_canvas(moving_webp: bytes, side: int) -> bytes:
    """A WebP with several frames whose header claims a canvas of side x side."""
    claimed = struct.pack("<I", side - 1)[:3]
    return moving_webp[:24] + claimed + claimed + moving_webp[30:]


#: What a viewer does to the stored array for each orientation, by numpy alone.
UPRIGHT: Final[dict[int, Callable[[np.ndarray], np.ndarray]]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: np.swapaxes(stored, 0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.swapaxes(stored[::-1, ::-1], 0, 1),
    8: lambda stored: np.rot90(stored, 1),
}


def exif(orientation: int) -> bytes:
    """An EXIF block that holds the orientation and nothing else."""
    return b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0) + b"\0\0\0\0"
