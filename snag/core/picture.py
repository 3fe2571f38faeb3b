"""Bytes of a picture to pixels: the one decoder that training, calibration, evaluation and serving share."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile
from torch import Tensor

from snag.core.errors import BrokenPicture, PictureTooLarge, RequestError, UnsupportedFormat
from snag.core.hazards import refuse_hazards
from snag.core.picture_formats import FORMATS, SIGNATURE
from snag.core.plain_png import decode_plain
from snag.core.samples import samples_of
from snag.core.second_picture import refuse_second_picture
from snag.core.tiff_pages import is_tiff, pages

# Our own limits act on the header; Pillow's warning at 89 megapixels would only repeat them, later and as a warning.
Image.MAX_IMAGE_PIXELS = None
# A damaged tag that Pillow can work around is no news. Set once: a filter set for each call would change it for all threads,
# and a warning that is shown is also remembered, one entry for each wording that a client can think of.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)  # it prints tags that a client sent; what matters is raised

# What makes a stored picture [C, H, W] upright, by its EXIF orientation (EXIF 2.32, table 6).
_UPRIGHT: Final[dict[int, Callable[[NDArray], NDArray]]] = {
    2: lambda planes: planes[..., ::-1],
    3: lambda planes: planes[..., ::-1, ::-1],
    4: lambda planes: planes[..., ::-1, :],
    5: lambda planes: planes.swapaxes(1, 2),
    6: lambda planes: planes.swapaxes(1, 2)[..., ::-1],
    7: lambda planes: planes[..., ::-1, ::-1].swapaxes(1, 2),
    8: lambda planes: planes.swapaxes(1, 2)[..., ::-1, :],
}
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
#: White where all 16 bits are the camera's.
FULL: Final = 65535
#: What white can be in 16 bits: of cameras and converters of 8, 10, 12, 14 and 16.
RANGES: Final = (255, 1023, 4095, 16383, FULL)


@dataclass(frozen=True)
class PictureLimits:
    """What is refused from the header, before any pixel is decoded; the shape of bare grey pictures; and where white is."""

    max_pixels: int = 50_000_000
    max_side: int = 20_000
    #: Height and width of a picture sent as bare grey bytes (the reference's clients), or None to refuse those.
    raw_shape: tuple[int, int] | None = (1024, 1024)
    #: White in pictures of 16 bits: 4095 of a camera that has 12 and fills no more. None: each picture's own, see `white_of`.
    white: int | None = FULL


DEFAULT_LIMITS: Final = PictureLimits()


def decode(data: bytes | bytearray | memoryview, limits: PictureLimits = DEFAULT_LIMITS) -> Tensor:
    """Decode one encoded picture, or exactly `limits.raw_shape` bare grey bytes.

    Returns [C, H, W] with C = 1 (grey) or 3 (RGB), upright by its EXIF orientation: uint8, or for pictures of 12 or 16 bits
    float32 on the same scale, 255 for white, so that no depth is lost. Transparency is laid over black, unless it is the same
    everywhere and so says nothing. Of a TIFF with smaller versions of its picture the first page is taken. Bytes of the bare
    size that begin like a picture file are one.

    Raises PictureTooLarge from the header alone, UnsupportedFormat, BrokenPicture.
    """
    raw = limits.raw_shape
    if (
        raw is not None and len(data) == raw[0] * raw[1] and not SIGNATURE.match(data)
    ):  # a file cut off at their very size is none
        return torch.from_numpy(np.frombuffer(data, np.uint8).reshape(1, *raw).copy())
    try:
        data = bytes(data)
        refuse_hazards(data)
        refuse_second_picture(data)
        plain = decode_plain(data, limits.max_pixels, limits.max_side)
        if plain is not None:
            return _tensor(plain, limits)
        with _opened(data) as image:
            _check_size(image, limits)
            _check_pages(image, data)
            return _decoded(image, limits, lambda: _opened(data))
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
    """The pixels of a picture that Pillow has made or decoded, as `decode` returns them.

    Raises PictureTooLarge, UnsupportedFormat; where the file behind it is damaged whatever Pillow raises.
    """
    _check_size(image, limits)
    _check_pages(image, b"")
    return _decoded(image, limits)


def tensor_of_samples(values: NDArray, limits: PictureLimits = DEFAULT_LIMITS) -> Tensor:
    """Stored values [H, W, 1 or 3], uint8 or uint16, as `decode` returns them."""
    return _tensor(values, limits)


def white_of(greatest: int) -> int:
    """The least of RANGES that holds a picture's, or a set's, greatest value."""
    return next(white for white in RANGES if greatest <= white)


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=tuple(FORMATS))


def _decoded(image: Image.Image, limits: PictureLimits, again: Callable[[], Image.Image] | None = None) -> Tensor:
    _check_mode(image)
    samples = samples_of(image, again)
    return _tensor(samples.values, limits, samples.white, _orientation(image))


def _tensor(values: NDArray, limits: PictureLimits, white: int | None = None, orientation: int = 1) -> Tensor:
    """See `decode`; in memory of its own."""
    planes = values.transpose(2, 0, 1)
    planes = _UPRIGHT.get(orientation, lambda same: same)(planes)
    if planes.dtype == np.uint8:
        return torch.from_numpy(np.array(planes, order="C"))
    white = white or limits.white or white_of(int(planes.max()))
    # Product and quotient are exact in float32 at white: it is 255 and not a little less.
    deep = np.multiply(planes, np.float32(255), dtype=np.float32, order="C")
    return torch.from_numpy(np.divide(deep, np.float32(white), out=deep))


def _check_size(image: Image.Image, limits: PictureLimits) -> None:
    sizes = [image.size]
    if isinstance(image, TiffImageFile) and _TILE_WIDTH in image.tag_v2:  # a tile is decoded whole, even where it juts out
        sizes.append((image.tag_v2[_TILE_WIDTH], image.tag_v2[_TILE_HEIGHT]))
    for width, height in sizes:
        if width * height > limits.max_pixels or max(width, height) > limits.max_side:
            raise PictureTooLarge(width=width, height=height, limit=limits.max_pixels, max_side=limits.max_side)


def _check_pages(image: Image.Image, data: bytes) -> None:
    """Raise UnsupportedFormat where there is more than one picture, and nobody said which is meant."""
    # Not n_frames of a TIFF: counting its pages reads them all. A phone's MPO is a JPEG followed by smaller versions of itself.
    if not getattr(image, "is_animated", False) or image.format == "MPO":
        return
    hint = ""
    if is_tiff(data):
        first, *others = pages(data)
        if all(page.is_preview_of(first) for page in others):
            return
        is_whole = others[-1].width > 0
        detail = f"it has {len(others) + 1} pages" if is_whole else "it has several pages, not all of which can be read"
        hint = ", or pages behind it that are marked as smaller versions of the first (NewSubfileType 1)"
    else:
        detail = "it has several frames" if image.format == "TIFF" else f"it has {getattr(image, 'n_frames', 2)} frames"
    raise UnsupportedFormat(detail=detail, formats=f"{', '.join(FORMATS)} with a single picture{hint}", raw="")


def _check_mode(image: Image.Image) -> None:
    if image.mode in ("I", "F", "LAB"):
        detail = "its pixels are signed, of 32 bits or in Lab"
        formats = f"{', '.join(FORMATS)} with 8 or 16 bits for each of grey, RGB or CMYK"
        raise UnsupportedFormat(detail=detail, formats=formats, raw="")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a damaged EXIF block says nothing about the pixels; its parser raises as many kinds as a decoder
        return 1


def _raw_hint(limits: PictureLimits) -> str:
    if limits.raw_shape is None:
        return ""
    height, width = limits.raw_shape
    return f", or exactly {height * width} bytes of {height} x {width} grey pixels"
