"""Bytes of a picture to pixels: the one decoder that training, calibration, evaluation and serving share."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from snag.errors import BrokenPicture, PictureTooLarge, UnsupportedFormat

#: Pillow's name of each accepted format, and the file suffixes that a folder is searched for.
FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
SUFFIXES: Final[frozenset[str]] = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)

# Our own limits act on the header; Pillow's warning at 89 megapixels would only repeat them, later and as a warning.
Image.MAX_IMAGE_PIXELS = None


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

    Returns [C, H, W] with C = 1 (grey) or 3 (RGB), upright by its EXIF orientation: uint8, or for 16-bit pictures float32 on
    the same scale 0..255, so that no depth is lost. Transparency is laid over black.

    Raises PictureTooLarge from the header alone, UnsupportedFormat, BrokenPicture.
    """
    raw = limits.raw_shape
    if raw is not None and len(data) == raw[0] * raw[1]:
        try:
            return _decode_encoded(data, limits)
        except (UnsupportedFormat, BrokenPicture):  # bare bytes may begin like a picture by chance
            return torch.from_numpy(np.frombuffer(data, np.uint8).reshape(1, *raw).copy())
    return _decode_encoded(data, limits)


def _decode_encoded(data: bytes | bytearray | memoryview, limits: PictureLimits) -> Tensor:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a damaged tag that Pillow can work around is no news to the client
            image = Image.open(io.BytesIO(data), formats=tuple(FORMATS))
            _check_header(image, limits)
            image.load()
            upright = ImageOps.exif_transpose(image)
        return torch.from_numpy(_pixels(upright))
    except (PictureTooLarge, UnsupportedFormat):
        raise
    except Image.UnidentifiedImageError as error:
        detail = f"{len(data)} bytes of no known format" if len(data) else "it is empty"
        raise UnsupportedFormat(detail=detail, formats=", ".join(FORMATS), raw=_raw_hint(limits)) from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, zlib.error, ...
        raise BrokenPicture(detail=_one_line(error)) from error


def _check_header(image: Image.Image, limits: PictureLimits) -> None:
    width, height = image.size
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise PictureTooLarge(width=width, height=height, limit=limits.max_pixels, max_side=limits.max_side)
    if getattr(image, "n_frames", 1) > 1:
        raise UnsupportedFormat(
            detail="it has several frames or pages", formats="a single still picture: " + ", ".join(FORMATS), raw=""
        )


def _pixels(image: Image.Image) -> np.ndarray:
    """[C, H, W]; see `decode`."""
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I"):
        deep = np.asarray(image, dtype=np.float32)
        return np.ascontiguousarray(np.clip(deep, 0, 65535)[None] / np.float32(257))
    if image.mode == "F":
        raise BrokenPicture(detail="floating-point pixels; expected 8 or 16 bits a channel")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba).convert("RGB")
    if image.mode in ("1", "L"):
        return np.array(image.convert("L"), dtype=np.uint8)[None]
    colour = np.array(image.convert("RGB"), dtype=np.uint8)
    return np.ascontiguousarray(colour.transpose(2, 0, 1))


def _raw_hint(limits: PictureLimits) -> str:
    if limits.raw_shape is None:
        return ""
    height, width = limits.raw_shape
    return f", or exactly {height * width} bytes of {height} x {width} grey pixels"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
