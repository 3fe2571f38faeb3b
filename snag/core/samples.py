"""The values that a picture file holds, with all of their bits: also those that Pillow would cut to 8."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from snag.core.errors import UnsupportedFormat

_BITS, _PHOTOMETRIC, _PLANES = 258, 262, 284
_GREY_MODES: Final = ("1", "L", "LA", "La")
_PREMULTIPLIED: Final = ("RGBa", "La")
#: The other order of two bytes, as Pillow names it; N is the machine's own.
_OTHER: Final = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_FULL: Final = 65535


@dataclass(frozen=True)
class Samples:
    """What a picture is made of; colours whose transparency says something are laid over black."""

    values: NDArray  #: [H, W, 1 or 3], uint8 or uint16
    white: int | None = None  #: value of white, where the file's format says it; None: of 16 bits as many as the camera has


def samples_of(image: Image.Image, again: Callable[[], Image.Image] | None = None) -> Samples:
    """The values of a picture that Pillow has opened; `again` opens the same file once more.

    Raises UnsupportedFormat for colour of 16 bits whose depth can't be kept, and whatever Pillow raises.
    """
    raw = _raw_mode(image)
    if not _is_deep_colour(image):
        _keep_colours_under_alpha(image)
        image.load()
        return _deep_grey(image) if image.mode.startswith("I;16") else Samples(_shallow(image, raw.startswith("RGBa")))
    if again is None or (isinstance(image, TiffImageFile) and image.tag_v2.get(_PLANES, 1) != 1):
        raise UnsupportedFormat(
            detail="its colour has 16 bits in a kind of file of which only 8 would be read",
            formats="PNG, or TIFF with red, green and blue side by side",
            raw="",
        )
    return Samples(_keyed(_deep_colour(image, raw, again), image))


def is_deep(image: Image.Image) -> bool:
    """Whether a picture that Pillow has opened and not yet decoded has more than 8 bits a value."""
    return image.mode.startswith("I;16") or _is_deep_colour(image)


def is_cut_by_pillow(image: Image.Image) -> bool:
    """Whether Pillow would keep less than there is in the file of a picture that it has opened and not yet decoded.

    Of a TIFF that is at its first page the others are more than Pillow says of them.
    """
    raw, is_first = _raw_mode(image), not image.tell()
    pages = isinstance(image, TiffImageFile) and bool(raw) and getattr(image, "is_animated", False)
    return is_first and (pages or raw.startswith("RGBa") or _is_deep_colour(image))


def over_black(colour: NDArray, alpha: NDArray) -> NDArray:
    """Colours [H, W, c] under `alpha` [H, W], of one type, laid over black.

    An alpha that is the same everywhere says nothing of where the part is: then the colours are taken as they are.
    """
    if alpha.min() == alpha.max():
        return colour
    full = np.iinfo(alpha.dtype).max
    wide = np.uint16 if full == 255 else np.uint32
    product = np.multiply(colour, alpha[..., None], dtype=wide)
    return np.floor_divide(np.add(product, full // 2, out=product), full, out=product).astype(alpha.dtype)


def _raw_mode(image: Image.Image) -> str:
    """How the pixels lie in the file that is behind a picture not yet decoded; empty where there is none."""
    tiles: Any = getattr(image, "tile", None)
    if not tiles:
        return ""
    arguments = tiles[0].args
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _is_deep_colour(image: Image.Image) -> bool:
    raw = _raw_mode(image)
    if not raw or image.mode.startswith("I;16"):
        return False
    return ";16" in raw or (isinstance(image, TiffImageFile) and 16 in image.tag_v2.get(_BITS, ()))


def _set_raw_mode(image: Any, mode: str) -> None:
    image.tile = [tile._replace(args=(mode, *tile.args[1:]) if isinstance(tile.args, tuple) else mode) for tile in image.tile]


def _keep_colours_under_alpha(image: Image.Image) -> None:
    """Colours that were multiplied by their alpha lie over black as they are: Pillow would divide by it, and by 0."""
    raw = _raw_mode(image)
    if raw.startswith("RGBa"):
        _set_raw_mode(image, raw.replace("a", "A"))


def _shallow(image: Image.Image, is_premultiplied: bool) -> NDArray:
    """[H, W, 1 or 3] uint8."""
    channels = 1 if image.mode in _GREY_MODES else 3
    if image.mode in _PREMULTIPLIED or (is_premultiplied and image.mode == "RGBA"):
        return np.asarray(image)[..., :channels]
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = np.asarray(image if image.mode == "RGBA" else image.convert("RGBA"))
        return over_black(rgba[..., :channels], rgba[..., 3])
    mode = "L" if channels == 1 else "RGB"
    values = np.asarray(image if image.mode == mode else image.convert(mode))
    return values.reshape(image.height, image.width, channels)


def _deep_grey(image: Image.Image) -> Samples:
    values, white, is_negative = np.asarray(image).astype(np.uint16)[..., None], None, False
    if isinstance(image, TiffImageFile):
        white = 4095 if image.tag_v2[_BITS] == (12,) else None
        is_negative = image.tag_v2.get(_PHOTOMETRIC) == 0  # 0 is white; Pillow turns only 8-bit pictures the right way
    return Samples(_keyed((white or _FULL) - values if is_negative else values, image), white)


def _deep_colour(image: Image.Image, raw: str, again: Callable[[], Image.Image]) -> NDArray:
    """[H, W, 1 or 3] uint16 of a picture of which Pillow keeps the upper bytes alone."""
    if raw == "LA;16B":  # grey and alpha of two bytes each are as long as four of one
        _set_raw_mode(image, "RGBA")
        image.load()
        grey = np.ascontiguousarray(np.asarray(image)).view(">u2").astype(np.uint16)
        return over_black(grey[..., :1], grey[..., 1])
    # Read in the other order of bytes, what Pillow takes for the upper byte is the lower one.
    kept = raw.replace("RGBa", "RGBA")
    upper, lower = image, again()
    for one, mode in ((upper, kept), (lower, kept[:-1] + _OTHER[kept[-1]])):
        _set_raw_mode(one, mode)
        one.load()
    values = np.asarray(upper).astype(np.uint16) << 8 | np.asarray(lower)
    if image.mode == "CMYK":
        light = _FULL - values.astype(np.uint32)
        return (light[..., :3] * light[..., 3:] // _FULL).astype(np.uint16)
    if image.mode == "RGBA" and not raw.startswith("RGBa"):
        return over_black(values[..., :3], values[..., 3])
    return values[..., :3]


def _keyed(values: NDArray, image: Image.Image) -> NDArray:
    """Values [H, W, c] of 16 bits with those of the transparent colour, where a PNG names one, laid over black."""
    key = image.info.get("transparency")
    if not isinstance(key, int | tuple):
        return values
    alpha = np.where((values == np.asarray(key)).all(-1), 0, _FULL).astype(np.uint16)
    return over_black(values, alpha)
