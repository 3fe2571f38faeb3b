"""Depth: pictures of more than 8 bits keep all of them, in colour too, and white is where the camera's is."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.fuzz.handmade import UPRIGHT, chunk, exif, png, tiff, tiff_tags
from snag.core.errors import UnsupportedFormat
from snag.core.picture import FULL, PictureLimits, decode, white_of
from snag.core.plain_png import encode_deep
from tests.support.pictures import encode, grey

HEIGHT, WIDTH = 7, 9


def deep(channels: int, seed: int = 0) -> NDArray[np.uint16]:
    """uint16 [H, W, channels] in which every bit counts."""
    return np.random.default_rng(seed).integers(0, FULL + 1, (HEIGHT, WIDTH, channels), np.uint16)


def found(data: bytes) -> NDArray[np.uint16]:
    """The picture [H, W, C] that was decoded, back in 16 bits."""
    picture = decode(data)
    assert picture.dtype == torch.float32
    return np.rint(picture.numpy().transpose(1, 2, 0) * 257).astype(np.uint16)


def deep_tiff(pixels: NDArray[np.uint16], photometric: int = 2, compression: int = 1, **tags: int) -> bytes:
    """A TIFF of 16 bits in one strip; `tags` are named t338 and so on."""
    body = pixels.astype("<u2").tobytes()
    table = tiff_tags(WIDTH, HEIGHT, [16] * pixels.shape[2], photometric, compression)
    table |= {int(name[1:]): (3, [value]) for name, value in tags.items()}
    return tiff(table, [zlib.compress(body) if compression == 8 else body])


def big_endian(data: bytes) -> bytes:
    """An uncompressed little-endian TIFF of `deep_tiff` with the most significant byte first."""
    (count,) = struct.unpack_from("<H", data, 8)
    entries = [struct.unpack_from("<HHI4s", data, 10 + 12 * i) for i in range(count)]
    end, out = 10 + 12 * count, b""
    for tag, kind, length, value in entries:
        inside = length * (2 if kind == 3 else 4) <= 4
        out += struct.pack(">HHI", tag, kind, length)
        letters = {3: "H", 4: "I"}[kind] if inside else "I"
        out += struct.pack(">" + letters, struct.unpack_from("<" + letters, value)[0]).ljust(4, b"\0")
    rest = np.frombuffer(data[end + 4 :], "<u2").astype(">u2").tobytes()
    return b"MM\0*" + struct.pack(">IH", 8, count) + out + bytes(4) + rest


class TestColour:
    @pytest.mark.parametrize(
        "data",
        [
            png(deep(3), 16),
            png(deep(3), 16, interlaced=True),
            png(deep(3), 16, before=[chunk(b"tEXt", b"a\0b")]),
            deep_tiff(deep(3)),
            deep_tiff(deep(3), compression=8),
            big_endian(deep_tiff(deep(3))),
            encode_deep(deep(3)),
        ],
        ids=["png", "png-interlaced", "png-with-text", "tiff", "tiff-deflate", "tiff-big-endian", "our own"],
    )
    def test_all_sixteen_bits_are_kept(self, data):
        assert np.array_equal(deep(3), found(data))

    @given(st.integers(1, 12), st.integers(1, 12), st.booleans(), st.integers(0, 99))
    def test_of_any_size(self, height, width, interlaced, seed):
        pixels = np.random.default_rng(seed).integers(0, FULL + 1, (height, width, 3), np.uint16)

        assert np.array_equal(pixels, found(png(pixels, 16, interlaced=interlaced)))

    @pytest.mark.parametrize("orientation", UPRIGHT)
    def test_it_is_turned_upright(self, orientation):
        turned = found(png(deep(3), 16, before=[chunk(b"eXIf", exif(orientation).removeprefix(b"Exif\0\0"))]))

        assert np.array_equal(UPRIGHT[orientation](deep(3)), turned)

    def test_inks(self):
        """What cyan, magenta, yellow and black leave of the light."""
        inks = deep(4).astype(np.float64)
        expected = (FULL - inks[..., :3]) * (FULL - inks[..., 3:]) / FULL

        assert np.abs(found(deep_tiff(deep(4), photometric=5)) - expected).max() <= 1

    def test_what_can_not_be_kept_is_refused(self):
        """Colours one after the other in planes of 16 bits: only 8 of them could be read, so none are."""
        planes = [np.ascontiguousarray(deep(3)[..., i]).astype("<u2").tobytes() for i in range(3)]

        for compression, payloads in ((1, planes), (8, [zlib.compress(one) for one in planes])):
            tags = tiff_tags(WIDTH, HEIGHT, [16] * 3, 2, compression) | {284: (3, [2])}
            with pytest.raises(UnsupportedFormat, match="its colour has 16 bits in a kind of file"):
                decode(tiff(tags, payloads))


class TestWhite:
    def test_it_is_255_and_not_a_little_less(self):
        """Whatever white is, what lies at it counts as clipped."""
        for white in (255, 1023, 4095, 16383, FULL):
            picture = decode(encode(np.full((2, 3), white, np.uint16), "PNG"), PictureLimits(white=white))
            assert picture.unique().tolist() == [255.0]

    @pytest.mark.parametrize("channels", [1, 3])
    def test_twelve_bits_in_sixteen(self, channels):
        """A camera's 0 to 4095 are as bright as the same in 8 bits, and what goes beyond is not cut off."""
        pixels = (np.arange(HEIGHT * WIDTH * channels).reshape(HEIGHT, WIDTH, channels) * 65).clip(0, 4095).astype(np.uint16)
        pixels[0, 0] = 8190

        picture = decode(png(pixels, 16), PictureLimits(white=4095))

        assert np.allclose(picture.numpy().transpose(1, 2, 0), pixels * (255 / 4095), atol=1e-4)
        assert float(picture.max()) == 510.0

    @given(st.integers(0, FULL))
    def test_a_picture_by_itself_has_the_least_range_that_holds_it(self, greatest):
        white = white_of(greatest)

        assert white in (255, 1023, 4095, 16383, 65535)
        assert greatest <= white
        assert white == 255 or greatest > white // 4 - (white // 4 == 63)
        pixels = np.array([[0, greatest]], np.uint16)
        assert torch.equal(
            decode(encode(pixels, "PNG"), PictureLimits(white=None)), decode(encode(pixels, "PNG"), PictureLimits(white=white))
        )

    def test_eight_bits_have_no_other_white(self):
        for white in (None, 4095, FULL):
            assert torch.equal(torch.from_numpy(grey()[None]), decode(png(grey()), PictureLimits(white=white)))
