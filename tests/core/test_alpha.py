"""Alpha: what is transparent lies over black, but an alpha that is the same everywhere says nothing."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.fuzz.handmade import chunk, png, tiff, tiff_tags
from snag.core.picture import decode, pixels_of
from snag.core.samples import over_black
from tests.support.pictures import HEIGHT, WIDTH, colour, encode, grey, planes

EVEN = [0, 1, 128, 255]


def even(value: int) -> NDArray[np.uint8]:
    """An alpha that is the same everywhere."""
    return np.full((HEIGHT, WIDTH), value, np.uint8)


def windows_bitmap(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> bytes:
    """A BMP of 32 bits whose header says that the fourth byte is alpha."""
    height, width = alpha.shape
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    head = struct.pack("<2sIHHI", b"BM", 70 + alpha.size * 4, 0, 0, 70)
    head += struct.pack("<IiiHHIIiiII4I", 56, width, -height, 1, 32, 3, alpha.size * 4, 2835, 2835, 0, 0, *masks)
    return head + np.dstack([pixels[..., ::-1], alpha]).tobytes()


def associated(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8], compression: int = 1) -> bytes:
    """A TIFF that says of its colours that they were multiplied by their alpha."""
    body = np.dstack([pixels, alpha]).tobytes()
    tags = tiff_tags(WIDTH, HEIGHT, [8] * 4, 2, compression) | {338: (3, [1])}
    return tiff(tags, [zlib.compress(body) if compression == 8 else body])


@pytest.mark.parametrize("value", EVEN)
def test_an_even_alpha_leaves_the_colours_as_they_are(value: int) -> None:
    """Nobody set it, or somebody set it to 1 of 1: it says nothing of where the part is."""
    g, c, a = grey(), colour(), even(value)
    deep = np.dstack([c, a]).astype(np.uint16) * 257
    shown = c.reshape(-1, 3)[:16]
    index = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH) % 16
    pictures = {
        "rgba": (png(np.dstack([c, a])), c),
        "grey": (png(np.dstack([g, a])), g),
        "rgba of 16 bits": (png(deep, 16), c),
        "grey of 16 bits": (png(np.dstack([g, a]).astype(np.uint16) * 257, 16), g),
        "palette": (png(index, 8, shown.tobytes(), [chunk(b"tRNS", bytes([value] * 16))]), shown[index]),
        "bmp": (windows_bitmap(c, a), c),
        "tiff": (encode(np.dstack([c, a]), "TIFF"), c),
        "tiff of 16 bits": (tiff(tiff_tags(WIDTH, HEIGHT, [16] * 4, 2) | {338: (3, [2])}, [deep.tobytes()]), c),
        "tiff, multiplied": (associated(c, a), c),
        "tiff, multiplied, packed": (associated(c, a, 8), c),
    }

    for name, (data, expected) in pictures.items():
        assert np.abs(decode(data).numpy() - planes(expected)).max() < 1e-4, name
    for image in (Image.fromarray(np.dstack([c, a])), Image.fromarray(np.dstack([c, a])).convert("RGBA")):
        assert np.array_equal(planes(c), pixels_of(image).numpy())


def test_an_uneven_one_lays_them_over_black() -> None:
    """Of 16 bits with all of them."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 65536, (HEIGHT, WIDTH, 4), np.uint16)
    expected = values[..., :3] * (values[..., 3:] / 65535) / 257

    for data in (png(values, 16), tiff(tiff_tags(WIDTH, HEIGHT, [16] * 4, 2) | {338: (3, [2])}, [values.tobytes()])):
        assert np.abs(decode(data).numpy().transpose(1, 2, 0) - expected).max() < 0.6 / 257
    two = values[..., :2]
    found = decode(png(two, 16)).numpy()
    assert np.abs(found[0] - two[..., 0] * (two[..., 1] / 65535) / 257).max() < 0.6 / 257


def test_colours_that_were_multiplied_are_not_multiplied_again() -> None:
    """They lie over black as they are, also where alpha is 0."""
    alpha = (np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 256).astype(np.uint8)

    for compression in (1, 8):
        assert np.array_equal(planes(colour()), decode(associated(colour(), alpha, compression)).numpy())


def test_one_transparent_colour_of_16_bits() -> None:
    values = np.array([[[1, 2, 3], [258, 2, 3], [1, 2, 3]]], np.uint16)
    key = chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3))

    assert (decode(png(values, 16, before=[key])) * 257).round().int().tolist() == [[[0, 258, 0]], [[0, 2, 0]], [[0, 3, 0]]]
    key = chunk(b"tRNS", struct.pack(">H", 300))
    data = png(np.array([[300, 301]], np.uint16), 16, before=[key])
    assert (decode(data) * 257).round().int().tolist() == [[[0, 301]]]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_the_product_is_rounded(kind: type) -> None:
    full = np.iinfo(kind).max
    values, alpha = np.array([[[full], [full], [1], [9]]], kind), np.array([[full, 0, full // 2 + 1, full]], kind)

    assert over_black(values, alpha).tolist() == [[[full], [0], [1], [9]]]
