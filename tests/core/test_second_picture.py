"""Two pictures one behind the other: a decoder takes the first, so the second must not go unseen."""

import io
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.fuzz.sound import sound_pictures
from snag.core.errors import BrokenPicture, RequestError
from snag.core.picture import decode

KINDS = {
    "PNG": {},
    "JPEG": {},
    "progressive": {"format": "JPEG", "progressive": True},
    "BMP": {},
    "TIFF": {},
    "packed": {"format": "TIFF", "compression": "tiff_deflate"},
    "WEBP": {},
}


def encoded(kind="PNG", size=(40, 30), **more):
    values = np.random.default_rng(7).integers(0, 256, (size[1], size[0]), np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).save(file, **{"format": kind, **KINDS[kind], **more})
    return file.getvalue()


@pytest.mark.parametrize("between", [b"", b"\n", b"\r\n", bytes(16)])
@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("first", KINDS)
def test_second(first, second, between):
    """Behind a picture of any format begins another of any format: that is refused, whatever padding lies between."""
    with pytest.raises(BrokenPicture, match="behind its end another picture begins; expected one picture"):
        decode(encoded(first) + between + encoded(second, (20, 50)))


@pytest.mark.parametrize("behind", [b"", b"\n", bytes(1000), b"SEFT\0trailer", b"\x89PN", b"\xff\xff\xff", b"II"])
@pytest.mark.parametrize("kind", KINDS)
def test_trailer(kind, behind):
    """Padding and a maker's own trailer stay behind a picture unnoticed."""
    assert decode(encoded(kind) + behind).equal(decode(encoded(kind)))


@pytest.mark.parametrize("name", list(sound_pictures()))
def test_every_sound_picture(name):
    """No picture that is sound alone is taken for two."""
    assert decode(sound_pictures()[name]).ndim == 3


def test_behind_a_tiff_whose_signature_is_turned_round():
    """Pillow reads one, so what stands behind it must be seen as well."""
    turned = b"II\0*" + encoded("TIFF")[4:]

    assert decode(turned).equal(decode(encoded("TIFF")))
    with pytest.raises(BrokenPicture, match="another picture begins"):
        decode(turned + encoded("PNG"))


def test_phone():
    """A phone's JPEG carries smaller versions of itself behind its end, and says so; the first is the picture."""
    large, small = Image.new("L", (64, 48), 90), Image.new("L", (16, 12), 90)
    file = io.BytesIO()
    large.save(file, "MPO", save_all=True, append_images=[small])
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x xmlns:Container='http://ns.google.com/photos/1.0/container/'/>"
    plain = encoded("JPEG")
    announced = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp + plain[2:]

    assert decode(file.getvalue()).shape == (1, 48, 64)
    assert decode(announced + encoded("JPEG", (20, 15))).equal(decode(plain))


def test_thumbnail():
    """A thumbnail within EXIF is no second picture."""
    inner, plain = encoded("JPEG", (16, 12)), encoded("JPEG")
    exif = b"Exif\0\0" + bytes(20) + inner + inner
    held = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]

    assert decode(held).equal(decode(plain))
    with pytest.raises(BrokenPicture, match="another picture begins"):
        decode(held + plain)


def test_cut_off_before_the_second():
    """A JPEG without an end, behind which another begins, is two as well."""
    with pytest.raises(BrokenPicture, match="another picture begins"):
        decode(encoded("JPEG")[:-2] + encoded("JPEG"))


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_damaged(kind, data):
    """Damage of any kind is the decoder's business: nothing but a request's error comes of it."""
    picture = bytearray(encoded(kind, (8, 6)))
    for _ in range(data.draw(st.integers(1, 6))):
        picture[data.draw(st.integers(2, len(picture) - 1))] = data.draw(st.integers(0, 255))
    with suppress(RequestError):
        assert decode(bytes(picture[: data.draw(st.integers(0, len(picture)))])).ndim == 3
