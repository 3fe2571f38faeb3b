"""The quick decoder of plain PNGs: what it says is what Pillow says, and what it leaves to Pillow is all that is not plain."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from benchmarks.fuzz.handmade import chunk, exif, png
from snag.core import plain_png
from snag.core.picture import decode
from snag.core.plain_png import decode_plain, encode_deep
from snag.core.unfilter import can_unfilter
from tests.support.pictures import colour, deep, encode, grey, noise
from tests.support.pngs import by_own_library, decoded, png_of_chunks, with_sum

MUCH = (10**6, 10**4)
#: By our own library where it is compiled, and by others' where it is not.
WAYS = (True, False) if can_unfilter() else (False,)


def pillows(data: bytes) -> NDArray[np.uint8] | None:
    """[H, W, C] by Pillow; None where it refuses."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            pixels = np.asarray(image)
    except Exception:
        return None
    return pixels if pixels.ndim == 3 else pixels[..., None]


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(0, 9), st.integers(0, 99))
def test_pixels_are_pillows(height: int, width: int, channels: int, level: int, seed: int) -> None:
    pixels = noise(height, width * channels, seed).reshape(height, width, channels)
    smooth = (np.cumsum(pixels // 32, axis=1) % 256).astype(np.uint8)  # filters other than "none" pay here
    data = encode((smooth if seed % 2 else pixels).squeeze(2 if channels == 1 else ()), "PNG", compress_level=level)

    for way in WAYS:
        with by_own_library(way):
            found = decode_plain(data, *MUCH)
        assert found is not None
        assert np.array_equal(pillows(data), found)
        assert found.flags.writeable


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(0, 99))
def test_sixteen_bits_are_kept(height: int, width: int, channels: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 65536, (height, width, channels), np.uint16)

    for data, way in [(data, way) for data in (png(pixels, 16), encode_deep(pixels)) for way in WAYS]:
        with by_own_library(way):
            found = decode_plain(data, *MUCH)
        assert found is not None
        assert found.dtype == np.uint16
        assert np.array_equal(pixels, found)


@given(st.data(), st.sampled_from([grey, colour, deep]))
def test_a_damaged_one_is_left_to_pillow_or_is_what_pillow_makes_of_it(data: st.DataObject, kind: object) -> None:
    whole = encode(kind(), "PNG", dpi=(300, 300))  # type: ignore[operator]
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(changed[: data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))])

    for way in WAYS:
        with by_own_library(way):
            found = decode_plain(cut, *MUCH)
        assert found is None or np.array_equal(pillows(cut), found)


@pytest.mark.parametrize(
    "data",
    [
        encode(grey(), "JPEG"),
        encode(grey() > 100, "PNG"),
        encode(colour(), "PNG", exif=exif(6)),
        png(grey(), interlaced=True),
        png(grey() % 4, palette=bytes(12)),
        png(grey(), before=[chunk(b"tRNS", b"\0\7")]),
        png(grey(), before=[chunk(b"acTL", bytes(8))]),
        png(grey(), before=[chunk(b"eXIf", b"")]),
        png(grey(), before=[chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0tiff:Orientation=6")]),
        png(grey(), before=[chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"good"))]),
        png(grey(), before=[chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"good"))]),
        png(grey(), before=[chunk(b"tEXt", b"transparency\0" + b"7")]),
        png(grey(), before=[chunk(b"tEXt", b"exif\0" + exif(6))]),
        png(grey(), before=[chunk(b"tEXt", b"Raw profile type exif\0\n\n\n" + exif(6).hex().encode())]),
        png(grey(), before=[chunk(b"tEXt", b"Comment")]),
        png(grey(), before=[chunk(b"tEXt", b"Comment\0" + bytes(2**20))]),
        png(grey(), before=[with_sum(b"tEXt", b"Comment\0good", wrong=1)]),
        png(grey())[:-12],
        png(grey())[:40],
        b"",
    ],
    ids=[
        "jpeg",
        "1bit",
        "turned",
        "interlaced",
        "palette",
        "transparent",
        "animated",
        "exif",
        "xmp",
        "packed itxt",
        "packed text",
        "text named transparency",
        "text named exif",
        "exif in a text",
        "text without a name",
        "long text",
        "broken text",
        "endless",
        "cut",
        "empty",
    ],
)
def test_what_is_not_plain_is_left_to_pillow(data: bytes) -> None:
    assert decode_plain(data, *MUCH) is None


@pytest.mark.parametrize("limits", [(39 * 60 - 1, 10**4), (10**6, 59)])
def test_one_that_is_too_large_is_not_decoded(limits: tuple[int, int]) -> None:
    data = png(np.zeros((39, 60), np.uint8))

    assert decode_plain(data, *limits) is None
    assert decode_plain(data, 39 * 60, 60) is not None


def test_a_decoder_that_panics_leaves_the_picture_to_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        """As pyo3 raises it."""

    def panics(*_: object) -> None:
        raise Panic

    monkeypatch.setattr(plain_png, "decode_image_png_u8", panics)
    monkeypatch.setattr(plain_png, "can_unfilter", lambda: False)

    assert np.array_equal(grey()[None], decode(png(grey())).numpy())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "more",
    [
        chunk(b"tEXt", b"Comment\0a good one"),
        chunk(b"tEXt", b"software\0a camera's"),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta>whose picture it is</x:xmpmeta>"),
        chunk(b"bKGD", b"\0\xff"),
        chunk(b"tIME", bytes(7)),
    ],
    ids=["text", "another", "xmp", "background", "time"],
)
def test_what_says_nothing_of_the_pixels_is_passed_over(more: bytes, way: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the pixels and behind them, where cameras and their programs write what they like."""
    monkeypatch.setattr(Image, "open", None)
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in grey())))

    for chunks in ([more, pixels], [pixels, more], [more, pixels, more]):
        with by_own_library(way):
            assert np.array_equal(grey()[None], decode(png_of_chunks(*grey().shape, chunks)).numpy())


@pytest.mark.skipif(not can_unfilter(), reason="others decode no alpha")
@pytest.mark.parametrize("depth", [8, 16])
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([2, 4]), st.booleans(), st.integers(0, 99))
def test_alpha_is_laid_over_black_as_of_pillows_pixels(
    depth: int, height: int, width: int, channels: int, is_even: bool, seed: int
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 2**depth, (height, width, channels))
    if is_even:
        pixels[..., -1] = 7
    data = png(pixels.astype(np.uint16 if depth == 16 else np.uint8), depth)

    with by_own_library(True):
        found, ours = decoded(data), decode_plain(data, *MUCH)
    with by_own_library(False):
        expected = decoded(data)

    assert ours is not None
    assert found == expected


def test_the_decoder_takes_plain_ones_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", None)

    assert np.array_equal(grey()[None], decode(png(grey())).numpy())
    assert np.array_equal(colour().transpose(2, 0, 1), decode(encode(colour(), "PNG")).numpy())
