"""What the decoder refuses: broken, cut off, moving, too large, and small files that would cost minutes or gigabytes."""

import json
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from benchmarks.fuzz.handmade import (
    chain_of_pages,
    chunk,
    endless_scans,
    exif,
    overlapping_tags,
    png,
    png_bomb,
    tiff,
    tiff_tags,
    tile_bomb,
    with_canvas,
)
from snag.core.errors import BrokenPicture, PictureTooLarge, RequestError, UnsupportedFormat
from snag.core.hazards import MAX_SCANS, refuse_hazards
from snag.core.picture import PictureLimits, decode
from tests.conftest import ROOT
from tests.support.pictures import HEIGHT, WIDTH, cases, colour, encode, grey, several_frames

CASES = cases()
SEEDS = [case.data for case in CASES.values()] + [encode(colour(), kind, exif=exif(6)) for kind in ("JPEG", "PNG", "WEBP")]
UNREADABLE = "not a picture that can be read: "
BROKEN = "the picture can't be decoded: "
HEADER = BROKEN + "its header is damaged, cut off or of an unknown kind"
TAGS = BROKEN + "its tags claim more bytes than the file has"


class TestBroken:
    @pytest.mark.parametrize("name", CASES)
    def test_cut_off(self, name):
        """A file cut off anywhere is refused, or lacks nothing but its tail: never are half-decoded pixels judged."""
        data, whole = CASES[name].data, decode(CASES[name].data)

        for length in range(0, len(data), 5):
            try:
                found = decode(data[:length])
            except (BrokenPicture, UnsupportedFormat):
                continue
            assert torch.equal(whole, found), length

    @settings(max_examples=600)
    @given(seed=st.sampled_from(SEEDS), choices=st.randoms(use_true_random=False), changes=st.integers(1, 12))
    def test_damaged(self, seed, choices: random.Random, changes):
        """Whatever bits are flipped, bytes lost or put in, the answer is a sound picture or a request's error."""
        data = bytearray(seed)
        for _ in range(changes):
            at = choices.randrange(len(data)) if choices.random() < 0.5 else choices.randrange(min(64, len(data)))
            kind = choices.randrange(4)
            if kind == 0:
                data[at] ^= 1 << choices.randrange(8)
            elif kind == 1:
                data[at] = choices.choice((0, 1, 127, 128, 255))
            elif kind == 2 and len(data) > 16:
                del data[at : at + choices.randrange(1, 8)]
            else:
                data[at:at] = choices.randbytes(choices.randrange(1, 8))
        check_sound_or_refused(bytes(data))

    @given(st.binary(max_size=200))
    @example(b"\x89PNG\r\n\x1a\n")
    @example(b"II*\0")
    @example(b"II+\0\x08\0\0\0" + b"\xff" * 8)
    @example(b"II*\0\xff\xff\xff\xff")
    @example(b"RIFF\xff\xff\xff\xffWEBP")
    @example(b"BM")
    @example(b"\xff\xd8\xff\xe0")
    def test_any_bytes(self, data):
        """No bytes at all can raise anything but a request's error."""
        check_sound_or_refused(data)

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"", UNREADABLE + "it is empty; expected one of PNG, JPEG, BMP, TIFF, WEBP"),
            (b"GIF89a, or so", UNREADABLE + "13 bytes of no known format; expected one of PNG, JPEG, BMP, TIFF, WEBP"),
            (png(grey())[:8], HEADER),
            (png(grey())[:20], BROKEN + "Truncated File Read"),
            (png(grey())[:70], BROKEN + "image file is truncated"),
            (
                png(np.zeros((0, 3), np.uint8)),
                HEADER,
            ),
            (
                tiff(tiff_tags(0, 3, [8], 1), [b"abc"]),
                HEADER,
            ),
        ],
        ids=["empty", "unknown", "signature", "header", "pixels", "no-height", "no-width"],
    )
    def test_message(self, data, message):
        """The message says what is wrong."""
        with pytest.raises((BrokenPicture, UnsupportedFormat)) as caught:
            decode(data, PictureLimits(raw_shape=None))

        assert message == str(caught.value)[: len(message)]


class TestUnsupported:
    @pytest.mark.parametrize("name", ["apng", "webp"])
    def test_several_frames(self, name):
        """What moves is refused: nobody said which one is meant."""
        with pytest.raises(UnsupportedFormat) as caught:
            decode(several_frames()[name])

        assert (
            str(caught.value)
            == UNREADABLE + "it has 2 frames; expected one of PNG, JPEG, BMP, TIFF, WEBP with a single picture"
        )

    def test_frames_are_not_decoded(self, monkeypatch):
        """Whether there are several is known from the header: no pixel is decoded, no second page read."""
        monkeypatch.setattr(ImageFile.ImageFile, "load", None)
        monkeypatch.setattr("PIL.TiffImagePlugin.TiffImageFile.seek", None)
        monkeypatch.setattr("PIL.TiffImagePlugin.TiffImageFile.n_frames", None)

        for data in (several_frames()["apng"], several_frames()["tiff"], several_frames()["webp"], chain_of_pages()):
            with pytest.raises(UnsupportedFormat, match=r"it has (2|several) (frames|pages)"):
                decode(data)

    def test_gif(self):
        """A GIF is refused even when it stands still: it is none of the formats."""
        with pytest.raises(UnsupportedFormat, match="no known format"):
            decode(encode(grey(), "GIF"))

    @pytest.mark.parametrize(
        "picture",
        [
            Image.new("F", (3, 2)),
            Image.new("I", (3, 2)),
            Image.frombytes("LAB", (3, 2), bytes(18)),
        ],
        ids=["float", "32-bit", "Lab"],
    )
    def test_kinds_of_pixels(self, picture):
        """Pixels without a known white are refused, not guessed at."""
        with pytest.raises(UnsupportedFormat, match="signed, of 32 bits or in Lab"):
            decode(encode(picture, "TIFF"))

    def test_signed(self):
        """So are signed 16-bit pixels."""
        with pytest.raises(UnsupportedFormat, match="signed, of 32 bits or in Lab"):
            decode(tiff(tiff_tags(2, 1, [16], 1) | {339: (3, [2])}, [bytes(4)]))


class TestTooLarge:
    def test_limits(self):
        """The limits are the last sizes that pass: pixels in all and pixels on a side."""
        data, pixels = png(grey()), HEIGHT * WIDTH

        assert tuple(decode(data, PictureLimits(max_pixels=pixels, max_side=WIDTH)).shape) == (1, HEIGHT, WIDTH)
        for limits in (PictureLimits(max_pixels=pixels - 1), PictureLimits(max_side=WIDTH - 1)):
            with pytest.raises(PictureTooLarge) as caught:
                decode(data, limits)
            assert {
                "width": WIDTH,
                "height": HEIGHT,
                "limit": limits.max_pixels,
                "max_side": limits.max_side,
            } == caught.value.details

    def test_before_decoding(self, monkeypatch):
        """A bomb is refused from its header: `load` is never called."""
        monkeypatch.setattr(ImageFile.ImageFile, "load", None)

        with pytest.raises(PictureTooLarge) as caught:
            decode(png_bomb())

        assert str(caught.value) == (
            "the picture has 30000 x 30000 pixels; at most 50000000 pixels are accepted, 20000 on a side "
            "(--max-pixels and --max-side of training; of a server also max_pixels and max_side in model-config.yaml)"
        )


class TestCostly:
    def test_memory(self, tmp_path):
        """None of the hazards takes memory worth mentioning, and each is refused for what it is."""
        hazards = {
            "picture_too_large": [png_bomb(), tile_bomb(), with_canvas(several_frames()["webp"], 60_000)],
            "unsupported_format": [chain_of_pages()],
            "broken_picture": [
                overlapping_tags(),
                png(grey(), before=[chunk(b"zTXt", b"%d\0\0" % i + zlib.compress(bytes(10**6))) for i in range(70)]),
                png(grey(), before=[chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(10**8)))]),
            ],
        }
        files = [(code, tmp_path / f"{code}{i}", data) for code, many in hazards.items() for i, data in enumerate(many)]
        for _, path, data in files:
            path.write_bytes(data)

        done = subprocess.run(
            [sys.executable, "-c", _MEASURE, *(str(path) for _, path, _ in files)], capture_output=True, cwd=ROOT, check=True
        )

        codes, grown = json.loads(done.stdout)
        assert [code for code, _, _ in files] == codes
        assert grown < 150_000  # kB: the text chunks may take 64 MB, and the files themselves are here

    def test_scans(self):
        """A JPEG of 100 scans is a picture, one of more is refused."""
        seed = encode(np.full((64, 64), 200, np.uint8), "JPEG", progressive=True)
        first = seed.count(b"\xff\xda")
        data = endless_scans(seed, MAX_SCANS - first + 1)
        assert data.count(b"\xff\xda") == MAX_SCANS

        assert torch.equal(decode(seed), decode(data))
        with pytest.raises(BrokenPicture, match="more than 100 scans"):
            decode(endless_scans(seed, MAX_SCANS - first + 2))

    @pytest.mark.parametrize("options", [{"big_tiff": True}, {}], ids=["big", "classic"])
    def test_tags(self, options):
        """Tags may claim what the file has and no byte more, in TIFF and BigTIFF."""
        sound = encode(Image.fromarray(np.zeros((1, 1), np.uint16)), "TIFF", tiffinfo={40_000: b"x" * 600}, **options)
        count = (600).to_bytes(8 if options else 4, "little")
        assert sound.count(count) == 1

        refuse_hazards(sound)
        refuse_hazards(sound.replace(count, (610).to_bytes(len(count), "little")))
        with pytest.raises(BrokenPicture, match="more bytes than the file has"):
            refuse_hazards(sound.replace(count, (len(sound)).to_bytes(len(count), "little")))

    @pytest.mark.parametrize("head", [b"II*\0", b"MM\0*", b"II\0*", b"MM*\0"])
    def test_tags_by_signature(self, head):
        """The same holds in either byte order, and where the signature is turned round: Pillow reads that as well."""
        data = head + struct.pack(f"{'<' if head[:2] == b'II' else '>'}IHHHII", 8, 1, 40_000, 3, 0x1000, 8)

        with pytest.raises(BrokenPicture, match="more bytes than the file has"):
            refuse_hazards(data)
        refuse_hazards(data + bytes(0x2000))

    @given(st.binary(max_size=64))
    def test_directory_anywhere(self, rest):
        """Wherever a TIFF's header points, looking there raises nothing but the request's error."""
        for head in (b"II*\0", b"MM\0*", b"MM*\0", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"):
            assert refusal(refuse_hazards, head + rest) in (
                None,
                TAGS,
            )


_MEASURE = """
import json, resource, sys
from pathlib import Path
from snag.core.errors import RequestError
from snag.core.picture import decode
files = [Path(name).read_bytes() for name in sys.argv[1:]]
before, codes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
for data in files:
    try:
        codes.append(str(decode(data).shape))
    except RequestError as error:
        codes.append(error.code)
print(json.dumps([codes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]))
"""


def refusal(step: Callable[[bytes], Any], data: bytes) -> str | None:
    """The message of the request's error that `step` raises, or None."""
    try:
        step(data)
    except RequestError as error:
        return str(error)
    return None


def check_sound_or_refused(data: bytes) -> None:
    """`decode` answers a picture that the model can take, or raises a RequestError whose message is a short ASCII line."""
    message = refusal(decode, data)
    if message is not None:
        assert message.isascii()
        assert message.isprintable()
        assert len(message) < 500
        return
    found = decode(data)
    assert (found.ndim, found.shape[0] in (1, 3), found.numel() > 0) == (3, True, True)
    assert 0 <= found.min() <= found.max() <= 255
