"""Bytes of a picture to pixels: the one decoder that training, calibration, evaluation and serving share."""

from __future__ import annotations

import io
import logging
import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile
from torch import Tensor

from snag.core.errors import BrokenPicture, PictureTooLarge, RequestError, UnsupportedFormat
from snag.core.hazards import refuse_hazards
from snag.core.picture_formats import FORMATS, SIGNATURE
from snag.core.plain_png import decode_plain
from snag.core.second_picture import refuse_second_picture

# Our own limits act on the header; Pillow's warning at 89 megapixels would only repeat them, later and as a warning.
Image.MAX_IMAGE_PIXELS = None
# A damaged tag that Pillow can work around is no news. Set once: a filter set for each call would change it for all threads,
# and a warning that is shown is also remembered, one entry for each wording that a client can think of.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)  # it prints tags that a client sent; what matters is raised

# What makes a stored picture upright, by its EXIF orientation (EXIF 2.32, table 6).
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_TILE_WIDTH, _TIFF_TILE_HEIGHT = 258, 262, 322, 323


@dataclass(frozen=True)
class PictureLimits:
    """What is refused from the header, before any pixel is decoded; and the shape of headerless grey pictures."""

    max_pixels: int = 50_000_000
    max_side: int = 20_000
    #: Height and width of a picture sent as bare grey bytes (the reference's clients), or None to refuse those.
    raw_shape: tuple[int, int] | None = (1024, 1024)


DEFAULT_LIMITS: Final = PictureLimits()


def decode(data: bytes | bytearray | memoryview, limits: PictureLimits = DEFAULT_LIMITS) -> Tensor:
    """Decode one encoded picture, or exactly `limits.raw_shape` bare grey bytes.

    Returns [C, H, W] with C = 1 (grey) or 3 (RGB), upright by its EXIF orientation: uint8, or for grey pictures of 12 or 16
    bits float32 on the same scale 0..255, so that no depth is lost (colour of 16 bits comes as 8). Transparency is laid over
    black. Bytes of the bare size that begin like a picture file are one.

    Raises PictureTooLarge from the header alone, UnsupportedFormat, BrokenPicture.
    """
    raw = limits.raw_shape
    if (
        raw is not None and len(data) == raw[0] * raw[1] and not SIGNATURE.match(data)
    ):  # a file cut off at their very size is none
        return torch.from_numpy(np.frombuffer(data, np.uint8).reshape(1, *raw).copy())
    try:
        stream = io.BytesIO(data)
        refuse_hazards(stream.getvalue())
        refuse_second_picture(stream.getvalue())
        plain = decode_plain(stream.getvalue(), limits.max_pixels, limits.max_side)
        if plain is not None:
            return torch.from_numpy(np.ascontiguousarray(plain.transpose(2, 0, 1)))
        with Image.open(stream, formats=tuple(FORMATS)) as image:
            return pixels_of(image, limits)
    except RequestError:
        raise
    except UnidentifiedImageError as error:
        if SIGNATURE.match(data):
            raise BrokenPicture(detail="its header is damaged, cut off or of an unknown kind") from error
        detail = f"{len(data)} bytes of no known format" if len(data) else "it is empty"
        raise UnsupportedFormat(detail=detail, formats=", ".join(FORMATS), raw=_raw_hint(limits)) from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, zlib.error, ...
        raise BrokenPicture(detail=str(error) or type(error).__name__) from error


def pixels_of(image: Image.Image, limits: PictureLimits = DEFAULT_LIMITS) -> Tensor:
    """The pixels of a picture that Pillow has opened or made, as `decode` returns them.

    Raises PictureTooLarge, UnsupportedFormat; where the file behind it is damaged whatever Pillow raises.
    """
    _check_header(image, limits)
    image.load()
    return torch.from_numpy(_pixels(_upright(image)))


def _check_header(image: Image.Image, limits: PictureLimits) -> None:
    sizes = [image.size]
    if isinstance(image, TiffImageFile) and _TIFF_TILE_WIDTH in image.tag_v2:  # a tile is decoded whole, even where it juts out
        sizes.append((image.tag_v2[_TIFF_TILE_WIDTH], image.tag_v2[_TIFF_TILE_HEIGHT]))
    for width, height in sizes:
        if width * height > limits.max_pixels or max(width, height) > limits.max_side:
            raise PictureTooLarge(width=width, height=height, limit=limits.max_pixels, max_side=limits.max_side)
    expected = ", ".join(FORMATS)
    # Not n_frames: counting a TIFF's pages reads them all. A phone's MPO is a JPEG followed by smaller versions of itself.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise UnsupportedFormat(detail="it has several frames or pages", formats=f"{expected} with a single picture", raw="")
    if image.mode in ("I", "F", "LAB"):
        detail = "its pixels are signed, of 32 bits or in Lab"
        raise UnsupportedFormat(detail=detail, formats=f"{expected} with 8 or 16 bits for each of grey, RGB or CMYK", raw="")


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # a damaged EXIF block says nothing about the pixels; its parser raises as many kinds as a decoder
        return image
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _pixels(image: Image.Image) -> np.ndarray:
    """[C, H, W], writable; see `decode`."""
    if image.mode.startswith("I;16"):
        return _deep_grey(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba).convert("RGB")
    if image.mode in ("1", "L"):
        return np.array(image.convert("L"), dtype=np.uint8)[None]
    colour = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    return np.array(colour.transpose(2, 0, 1), order="C")


def _deep_grey(image: Image.Image) -> np.ndarray:
    """Grey of more than 8 bits: float32 [1, H, W], full scale is 255."""
    full, is_negative = 65535, False
    if isinstance(image, TiffImageFile):
        full = 4095 if image.tag_v2[_TIFF_BITS] == (12,) else full
        is_negative = image.tag_v2.get(_TIFF_PHOTOMETRIC) == 0  # 0 is white; Pillow turns only 8-bit pictures the right way
    deep = np.asarray(image, dtype=np.float32)[None]
    return np.divide(full - deep if is_negative else deep, np.float32(full / 255))


def _raw_hint(limits: PictureLimits) -> str:
    if limits.raw_shape is None:
        return ""
    height, width = limits.raw_shape
    return f", or exactly {height * width} bytes of {height} x {width} grey pixels"
