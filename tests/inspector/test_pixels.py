"""Arrays and Pillow's pictures of every kind give the tensor that the decoder makes of the same picture's file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.fuzz.handmade import png
from snag.core.errors import UnsupportedFormat
from snag.core.picture import PictureLimits, decode
from snag.core.plain_png import encode_deep
from snag.inspector.pixels import tensor_of
from tests.support.pictures import alpha, colour, deep, encode, grey

LIMITS = PictureLimits(white=4095)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("opaque", [alpha(), np.zeros_like(alpha()), np.full_like(alpha(), 128)], ids=["some", "none", "even"])
def test_an_array_with_alpha(kind: type, opaque: NDArray) -> None:
    """Also one that somebody made with np.zeros and of which only the colours were filled."""
    pixels = np.dstack([colour(), opaque]).astype(kind) * (1 if kind is np.uint8 else 257)

    assert torch.equal(decode(png(pixels, 8 * pixels.dtype.itemsize), LIMITS), tensor_of(pixels, LIMITS))


def test_an_array_of_deep_colour() -> None:
    pixels = np.dstack([deep(), deep()[::-1], deep()[:, ::-1]])

    assert torch.equal(decode(encode_deep(pixels), LIMITS), tensor_of(pixels, LIMITS))


@pytest.mark.parametrize(
    "data",
    [
        encode_deep(np.dstack([deep()] * 3)),
        png(np.dstack([deep()] * 4), 16),
        encode(np.dstack([colour(), alpha()]), "PNG"),
        encode(grey(), "TIFF", save_all=True, append_images=[]),
        encode(grey(), "JPEG"),
    ],
    ids=["deep colour", "deep colour with alpha", "alpha", "tiff", "jpeg"],
)
def test_a_picture_that_pillow_has_opened(data: bytes, tmp_path: Path) -> None:
    """From memory and from a file, it is as good as its bytes; and it is decoded afterwards, its file closed."""
    (tmp_path / "part").write_bytes(data)
    for opened in (Image.open(io.BytesIO(data)), Image.open(tmp_path / "part")):
        assert torch.equal(decode(data, LIMITS), tensor_of(opened, LIMITS))
        assert opened.getpixel((0, 0)) is not None


def test_a_page_that_somebody_turned_to_is_refused() -> None:
    """Of several pictures nobody said which is meant, or it could not be asked for by its file."""
    opened = Image.open(io.BytesIO(encode(grey(), "TIFF", save_all=True, append_images=[Image.fromarray(grey())])))
    for page in (0, 1):
        opened.seek(page)
        with pytest.raises(UnsupportedFormat, match=r"it has (2 pages|several frames)"):
            tensor_of(opened, LIMITS)
