"""Whatever a program holds of a picture, as the tensor that the decoder makes of the same picture's file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from snag.core.errors import BrokenPicture, PictureTooLarge, RequestError, UnsupportedFormat
from snag.core.picture import PictureLimits, decode, pixels_of

Picture = str | os.PathLike[str] | bytes | bytearray | memoryview | np.ndarray | Image.Image

_ARRAYS: Final = "uint8 [H, W] grey, uint8 [H, W, 3] RGB, uint16 [H, W] grey"
_FULL_SCALE: Final = 65535 / 255  #: of 16 bits in units of the decoder's scale, as of a file of 16 bits


def tensor_of(picture: Picture, limits: PictureLimits) -> Tensor:
    """The picture as `snag.core.picture.decode` returns it: [C, H, W], C = 1 or 3, on the scale 0..255.

    Raises UnsupportedFormat, BrokenPicture or PictureTooLarge.
    """
    if isinstance(picture, str | os.PathLike):
        return decode(_bytes(Path(picture)), limits)
    if isinstance(picture, bytes | bytearray | memoryview):
        return decode(picture, limits)
    if isinstance(picture, np.ndarray):
        return _from_array(picture, limits)
    if isinstance(picture, Image.Image):
        return _from_image(picture, limits)
    raise UnsupportedFormat(
        detail=f"an object of type {type(picture).__name__}",
        formats="a path, an encoded picture's bytes, a NumPy array, a Pillow image",
        raw="",
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BrokenPicture(detail=f"{path} can't be read ({error.strerror})") from error


def _from_array(array: np.ndarray, limits: PictureLimits) -> Tensor:
    depth = array.dtype.itemsize if array.dtype.kind == "u" else 0
    is_grey, is_colour = array.ndim == 2, array.ndim == 3 and array.shape[-1] == 3
    if not array.size or not ((depth == 1 and (is_grey or is_colour)) or (depth == 2 and is_grey)):
        detail = f"an array {list(array.shape)} of {array.dtype}"
        raise UnsupportedFormat(detail=detail, formats=_ARRAYS, raw="")
    height, width = array.shape[:2]
    if height * width > limits.max_pixels or max(height, width) > limits.max_side:
        raise PictureTooLarge(width=width, height=height, limit=limits.max_pixels, max_side=limits.max_side)
    if depth == 2:
        return torch.from_numpy(np.divide(array[None].astype(np.float32), np.float32(_FULL_SCALE)))
    return torch.from_numpy(np.array(array[None] if is_grey else array.transpose(2, 0, 1), order="C"))


def _from_image(image: Image.Image, limits: PictureLimits) -> Tensor:
    try:
        return pixels_of(image, limits)
    except RequestError:
        raise
    except Exception as error:  # its file is decoded now; decoders raise as many kinds as there are formats
        raise BrokenPicture(detail=str(error) or type(error).__name__) from error
