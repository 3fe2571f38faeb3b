"""The decoder: what it finds in every kind of picture. What it refuses stands in test_hazards.py."""

import io
import logging
import re
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.fuzz.handmade import UPRIGHT, chunk, exif, png, tiff, tiff_tags
from snag.core.errors import BrokenPicture, PictureTooLarge, UnsupportedFormat
from snag.core.picture import PictureLimits, decode
from snag.core.picture_formats import FORMATS, SUFFIXES
from tests.conftest import ROOT
from tests.support.pictures import HEIGHT, WIDTH, cases, colour, deep, encode, grey, noise, planes

CASES = cases()
RAW = PictureLimits(raw_shape=(8, 16))


class TestPixels:
    @pytest.mark.parametrize("name", CASES)
    def test_every_kind(self, name):
        """Each kind of picture gives its own pixels: uint8, or float32 on the same scale for deep ones."""
        case = CASES[name]

        found = decode(case.data)

        is_deep = "16" in name or name == "tiff-grey12"
        assert (case.pixels.shape, torch.float32 if is_deep else torch.uint8) == (tuple(found.shape), found.dtype)
        assert np.abs(found.numpy().astype(np.float64) - case.pixels).max() <= case.tolerance

    @given(height=st.integers(1, 40), width=st.integers(1, 40), channels=st.sampled_from([1, 3]), seed=st.integers(0, 99))
    def test_any_size(self, height, width, channels, seed):
        """Whatever its sides, a lossless picture comes back bit for bit, in memory that may be written to."""
        pixels = noise(height, width * channels, seed).reshape(height, width, channels).squeeze(2 if channels == 1 else ())

        found = decode(encode(pixels, "PNG"))

        assert np.array_equal(planes(pixels), found.numpy())
        assert found.is_contiguous()
        assert found.numpy().flags.writeable

    @pytest.mark.parametrize("shape", [(1, 20_000), (20_000, 1)])
    def test_longest_side(self, shape):
        """A single line of 20,000 pixels is a picture."""
        assert (1, *shape) == tuple(decode(encode(np.zeros(shape, np.uint8), "PNG")).shape)

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_kinds_of_bytes(self, kind):
        """TorchServe's bytearray is as good as bytes."""
        assert np.array_equal(planes(grey()), decode(kind(png(grey()))).numpy())

    def test_sixteen_bits_keep_their_depth(self):
        """Neighbouring 16-bit values stay apart, and the greatest is exactly 255."""
        pixels = np.array([[0, 1, 256, 257, 65534, 65535]], np.uint16)

        assert pytest.approx(decode(encode(pixels, "PNG"))[0].numpy()) == [[0, 1 / 257, 256 / 257, 1, 65534 / 257, 255]]

    def test_jpeg_is_decoded_in_full(self):
        """A large JPEG is decoded at its own size and as Pillow does, never by the faster scaled decoder."""
        smooth = np.add.outer(np.arange(600), np.arange(800)).astype(np.uint8)
        data = encode(smooth, "JPEG")

        assert np.array_equal(np.asarray(Image.open(io.BytesIO(data)))[None], decode(data).numpy())

    def test_formats_and_suffixes_agree(self):
        """Each suffix that a folder is searched for is one that Pillow knows for an accepted format."""
        known = {suffix: kind for suffix, kind in Image.registered_extensions().items() if kind in FORMATS}

        assert set(known) >= SUFFIXES
        assert set(FORMATS) == {known[suffix] for suffix in SUFFIXES}


class TestOrientation:
    @pytest.mark.parametrize("orientation", UPRIGHT)
    @pytest.mark.parametrize(
        ("kind", "stored", "options"),
        [
            ("PNG", grey(), {}),
            ("PNG", colour(), {}),
            ("PNG", deep(), {}),
            ("JPEG", colour(), {"quality": 100, "subsampling": 0}),
            ("WEBP", colour(), {"lossless": True}),
        ],
        ids=["png-grey", "png-rgb", "png-deep", "jpeg", "webp"],
    )
    def test_exif(self, kind, stored, options, orientation):
        """The picture is turned and mirrored as its EXIF orientation says."""
        plain = decode(encode(stored, kind, **options)).numpy()

        turned = decode(encode(stored, kind, exif=exif(orientation), **options)).numpy()

        upright = np.stack([UPRIGHT[orientation](plane) for plane in plain])
        assert np.array_equal(upright, turned)

    @pytest.mark.parametrize("orientation", UPRIGHT)
    @pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
    def test_tiff(self, compression, orientation):
        """TIFF's own orientation tag is followed, once."""
        found = decode(encode(colour(), "TIFF", compression=compression, tiffinfo={274: orientation}))

        assert np.array_equal(planes(UPRIGHT[orientation](colour())), found.numpy())

    @pytest.mark.parametrize("orientation", [0, 9, 65535])
    def test_unknown_orientation(self, orientation):
        """An orientation that EXIF does not know is none."""
        assert np.array_equal(planes(colour()), decode(encode(colour(), "PNG", exif=exif(orientation))).numpy())

    @pytest.mark.parametrize("block", [b"", b"Exif\0\0", b"Exif\0\0nonsense", exif(6)[:20], exif(6)[:-6]])
    def test_damaged_exif(self, block):
        """A damaged EXIF block costs the orientation, not the picture."""
        data = png(grey(), before=[chunk(b"eXIf", block.removeprefix(b"Exif\0\0"))])

        assert sorted((HEIGHT, WIDTH)) == sorted(decode(data).shape[1:])


class TestBareBytes:
    def test_exact_size(self):
        """Exactly height x width bytes are a grey picture, line by line."""
        pixels = noise(8, 16)

        assert np.array_equal(pixels[None], decode(pixels.tobytes(), RAW).numpy())

    @pytest.mark.parametrize(
        "start",
        [
            b"BM",
            b"BM\x12\x34\x56\x78\0\0\0\0\x36\0\0\0\xff",
            b"\x89PN",
            b"\xff\xd8\xff\0",
            b"II",
            b"RIFF",
            b"{",
            b"GIF89a",
            b"",
        ],
    )
    def test_beginning_by_chance(self, start):
        """Grey bytes may begin like a picture file, as long as they do not go on like one."""
        data = start + bytes(range(128))[len(start) :]

        assert data == decode(data, RAW).numpy().tobytes()

    @pytest.mark.parametrize("kind", FORMATS)
    def test_picture_cut_off_at_that_size(self, kind):
        """A picture file that was cut off at just that size is broken, and never judged as if its bytes were pixels."""
        data = encode(np.dstack([noise(64, 64)] * 3), kind)[:128]

        with pytest.raises(BrokenPicture):
            decode(data, RAW)

    def test_picture_of_that_size(self):
        """A picture file that happens to have just that many bytes is decoded."""
        small = png(np.full((2, 2), 7, np.uint8))
        data = png(np.full((2, 2), 7, np.uint8), before=[chunk(b"tEXt", b"k\0" + bytes(128 - len(small) - 12 - 2))])
        assert len(data) == 128

        assert np.array_equal(np.full((1, 2, 2), 7), decode(data, RAW).numpy())

    def test_bomb_of_that_size(self):
        """Neither does the size hide a header that announces too much."""
        small = png(np.zeros((1, 1), np.uint8))
        data = png(np.zeros((1, 1), np.uint8), before=[chunk(b"tEXt", bytes(128 - len(small) - 12))])

        with pytest.raises(PictureTooLarge):
            decode(data, PictureLimits(max_pixels=0, raw_shape=(8, 16)))

    @pytest.mark.parametrize("size", [1, 127, 129])
    def test_other_sizes(self, size):
        """One byte more or less is no picture; the message says how many it takes."""
        with pytest.raises(UnsupportedFormat) as caught:
            decode(bytes(size), RAW)

        assert (
            f"not a picture that can be read: {size} bytes of no known format; expected one of PNG, JPEG, BMP, TIFF, WEBP, "
            "or exactly 128 bytes of 8 x 16 grey pixels"
        ) == str(caught.value)

    def test_switched_off(self):
        """Without a raw shape no bare bytes are taken, and the message does not offer them."""
        with pytest.raises(UnsupportedFormat) as caught:
            decode(bytes(128), PictureLimits(raw_shape=None))

        assert str(caught.value).endswith("expected one of PNG, JPEG, BMP, TIFF, WEBP")


class TestManners:
    def test_leaves_no_trace(self, caplog):
        """Decoding changes no warning filter, which all threads share, and logs nothing of what a client sent."""
        caplog.set_level(logging.DEBUG)
        before = list(warnings.filters)

        for case in CASES.values():
            decode(case.data)

        assert before == warnings.filters
        assert caplog.records == []

    def test_warnings_as_errors(self):
        """A tag that Pillow warns of is no reason to refuse, even where warnings are errors."""
        sound = tiff(tiff_tags(2, 1, [8], 1) | {700: (7, list(b"12345"))}, [b"\x05\x06"])
        strange = re.sub(rb"(\xbc\x02\x07\0\x05\0\0\0)....", b"\\1\xff\xff\0\0", sound)  # the tag's value: outside of the file
        code = "import sys; from snag.core.picture import decode; print(decode(sys.stdin.buffer.read()).tolist())"

        done = subprocess.run([sys.executable, "-W", "error", "-c", code], input=strange, capture_output=True, cwd=ROOT)

        assert (done.stdout, done.stderr) == (b"[[[5, 6]]]\n", b"")
        with pytest.warns(UserWarning, match="Truncated File Read"):
            Image.open(io.BytesIO(strange))

    def test_threads(self):
        """Many threads decode at once and get what one gets."""
        data = [CASES[name].data for name in sorted(CASES)] * 4
        alone = [decode(item) for item in data]

        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(decode, data))

        assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))


@pytest.mark.real
def test_real_pictures(screw):
    """The real pictures decode to 1024 x 1024, in colour where the file is and in grey where it is."""
    files = [next((screw / "train" / "good").iterdir()), next((screw / "test" / "good").iterdir())]

    assert {(1024, 1024)} == {tuple(decode(file.read_bytes()).shape[1:]) for file in files}
