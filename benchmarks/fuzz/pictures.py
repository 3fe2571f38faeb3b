"""Kinds of input that are about the picture: sound, damaged, moving, too large, and made to cost a decoder dearly."""

from __future__ import annotations

import struct
from functools import cache
from random import Random
from typing import Final

import numpy as np

from benchmarks.fuzz.craft import (
    BYTES,
    EXPLANATIONS,
    JUDGED,
    PREDICTIONS,
    TOO_LARGE,
    UNREADABLE,
    Maker,
    error,
    one_of,
    sent,
)
from benchmarks.fuzz.damage import cut_off, damaged
from benchmarks.fuzz.handmade import (
    chain_of_pages,
    chunk,
    endless_scans,
    overlapping_tags,
    png_bomb,
    png_header,
    tile_bomb,
    with_canvas,
)
from benchmarks.fuzz.sound import encoded, moving_pictures, plain, sound_pictures
from benchmarks.outcome import Expected, PreparedRequest

_PATIENT: Final = (*JUDGED, *UNREADABLE, *TOO_LARGE)
_TYPES: Final = ("image/png", "image/jpeg", "image/tiff", "image/webp", "image/bmp", "image/*", BYTES, None)


def _sound(random: Random) -> PreparedRequest:
    return sent("picture, sound", one_of(random, sound_pictures()), JUDGED, random.choice(_TYPES))


def _explained(random: Random) -> PreparedRequest:
    answers = (Expected(content_type="image/png"),)
    return sent("picture, explained", one_of(random, sound_pictures()), answers, path=EXPLANATIONS)


def _explained_damaged(random: Random) -> PreparedRequest:
    body = damaged(one_of(random, sound_pictures()), random)
    answers = (Expected(content_type="image/png"), *UNREADABLE, *TOO_LARGE, *error(413, "map_too_large"))
    return sent("picture, damaged, explained", body, answers, path=EXPLANATIONS)


def _cut_off(random: Random) -> PreparedRequest:
    return sent("picture, cut off", cut_off(one_of(random, sound_pictures()), random), _PATIENT)


def _damaged(random: Random) -> PreparedRequest:
    return sent("picture, damaged", damaged(one_of(random, sound_pictures()), random), _PATIENT)


def _damaged_header(random: Random) -> PreparedRequest:
    data = one_of(random, sound_pictures())
    return sent("picture, header damaged", damaged(data[:64], random) + data[64:], _PATIENT)


def _moving(random: Random) -> PreparedRequest:
    return sent("picture, several frames", one_of(random, moving_pictures()), error(415, "unsupported_format"))


def _moving_damaged(random: Random) -> PreparedRequest:
    return sent("picture, several frames, damaged", damaged(one_of(random, moving_pictures()), random), _PATIENT)


def _noise(random: Random) -> PreparedRequest:
    # With a brace in front it is not a picture but JSON, and none.
    answers = (*UNREADABLE, *error(400, "bad_request"))
    return sent("bytes, noise", random.randbytes(random.randint(1, 5000)), answers)


def _noise_with_signature(random: Random) -> PreparedRequest:
    begin = random.choice(
        [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0", b"MM\0*", b"II+\0", b"RIFF\xff\0\0\0WEBP", b"BM"]
    )
    return sent("bytes, noise behind a signature", begin + random.randbytes(random.randint(0, 3000)), _PATIENT)


def _empty(random: Random) -> PreparedRequest:
    return sent("bytes, none", b"", error(400, "missing_picture"), random.choice(_TYPES))


def _text(random: Random) -> PreparedRequest:
    texts = [b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7\n", b"GIF89a", b"P5 2 2 255 abcd", b"\0" * 999]
    return sent("bytes, another format", random.choice(texts), UNREADABLE, random.choice(_TYPES))


def _bare_size(random: Random) -> PreparedRequest:
    # A byte more or less than the bare picture, whose size is a setting: 1024 x 1024 unless changed.
    return sent("bytes, almost a bare picture", bytes(2**20 + random.choice([-1, 1])), UNREADABLE)


def _small(random: Random) -> PreparedRequest:
    height, width = random.choice([(1, 1), (1, 2), (2, 1), (1, 300), (300, 1)])
    return sent("picture, tiny", plain(height, width), JUDGED)


def _long(random: Random) -> PreparedRequest:
    height, width = random.choice([(1, 20_000), (20_000, 1)])
    return sent("picture, 1 x 20000", plain(height, width), JUDGED)


def _too_long(random: Random) -> PreparedRequest:
    height, width = random.choice([(1, 20_001), (20_001, 1)])
    return sent("picture, 1 x 20001", plain(height, width), TOO_LARGE)


def _announced(random: Random) -> PreparedRequest:
    """A header that announces any size, with no pixels behind it."""
    width, height = (random.choice([1, 7, 30_000, 65_535, 2**31 - 1]) for _ in range(2))
    body = b"\x89PNG\r\n\x1a\n" + png_header(width, height, 8, random.choice([0, 2, 6])) + chunk(b"IEND", b"")
    return sent("picture, announced alone", body, _PATIENT)


def _announced_jpeg(random: Random) -> PreparedRequest:
    data = sound_pictures()["JPEG grey"]
    at = data.index(b"\xff\xc0") + 5
    body = data[:at] + struct.pack(">HH", random.choice([1, 9_000, 65_535]), random.choice([1, 9_000, 65_535])) + data[at + 4 :]
    return sent("picture, JPEG of another size", body, _PATIENT)


def _bomb(random: Random) -> PreparedRequest:
    return sent("bomb, PNG 30000 x 30000", _png_bomb(), TOO_LARGE, random.choice(_TYPES))


def _tile_bomb(_: Random) -> PreparedRequest:
    return sent("bomb, TIFF of one tile", _tiff_bomb(), TOO_LARGE)


def _tags(_: Random) -> PreparedRequest:
    return sent("bomb, TIFF of overlapping tags", _overlapping(), error(400, "broken_picture"))


def _pages(_: Random) -> PreparedRequest:
    return sent("bomb, TIFF of 100000 pages", _chain(), error(415, "unsupported_format"))


def _scans(random: Random) -> PreparedRequest:
    data = endless_scans(sound_pictures()["JPEG progressive"], random.randint(101, 2000))
    return sent("bomb, JPEG of endless scans", data, error(400, "broken_picture"))


def _canvas(random: Random) -> PreparedRequest:
    side = random.choice([9_000, 16_000])
    return sent("bomb, WebP of a huge canvas", with_canvas(moving_pictures()["WebP"], side), (*TOO_LARGE, *UNREADABLE))


def _large(random: Random) -> PreparedRequest:
    """As many pixels as are accepted, and a few kilobytes on the way."""
    side = random.choice([3000, 5000, 7000])
    return sent("picture, up to 49 megapixels", plain(side, side), JUDGED, path=PREDICTIONS)


def _noisy(random: Random) -> PreparedRequest:
    """A picture that no codec can make small."""
    pixels = np.frombuffer(random.randbytes(1024 * 1024), np.uint8).reshape(1024, 1024)
    return sent("picture, 1 MB of noise", encoded(pixels, random.choice(["PNG", "TIFF", "BMP"])), JUDGED)


@cache
def _png_bomb() -> bytes:
    return png_bomb()


@cache
def _tiff_bomb() -> bytes:
    return tile_bomb()


@cache
def _overlapping() -> bytes:
    return overlapping_tags()


@cache
def _chain() -> bytes:
    return chain_of_pages()


#: Makers of one input, and how often one is drawn among the others.
PICTURES: Final[dict[Maker, float]] = {
    _sound: 3,
    _explained: 1,
    _explained_damaged: 1,
    _cut_off: 4,
    _damaged: 8,
    _damaged_header: 4,
    _moving: 1,
    _moving_damaged: 1,
    _noise: 1,
    _noise_with_signature: 2,
    _empty: 0.5,
    _text: 1,
    _bare_size: 0.2,
    _small: 1,
    _long: 0.5,
    _too_long: 0.5,
    _announced: 1,
    _announced_jpeg: 1,
    _bomb: 0.3,
    _tile_bomb: 0.3,
    _tags: 0.1,
    _pages: 0.1,
    _scans: 0.3,
    _canvas: 0.3,
    _large: 0.05,
    _noisy: 0.2,
}
