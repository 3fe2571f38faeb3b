"""Whatever a program holds of a picture, as the tensor that the decoder makes of the same picture's file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from PIL import Image, ImageFile
from torch import Tensor

from snag.core.errors import BrokenPicture, PictureTooLarge, RequestError, UnsupportedFormat
from snag.core.picture import PictureLimits, decode, pixels_of, tensor_of_samples
from snag.core.samples import is_cut_by_pillow, over_black

Picture = str | os.PathLike[str] | bytes | bytearray | memoryview | np.ndarray | Image.Image

_ARRAYS: Final = "uint8 or uint16, [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGB with alpha"


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
    is_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (3, 4))
    if not array.size or not is_picture or array.dtype.kind != "u" or array.dtype.itemsize > 2:
        detail = f"an array {list(array.shape)} of {array.dtype}"
        raise UnsupportedFormat(detail=detail, formats=_ARRAYS, raw="")
    height, width = array.shape[:2]
    if height * width > limits.max_pixels or max(height, width) > limits.max_side:
        raise PictureTooLarge(width=width, height=height, limit=limits.max_pixels, max_side=limits.max_side)
    values = array.reshape(height, width, -1)
    if values.shape[-1] == 4:
        values = over_black(values[..., :3], values[..., 3])
    return tensor_of_samples(values, limits)


def _from_image(image: Image.Image, limits: PictureLimits) -> Tensor:
    try:
        return decode(_file_behind(image), limits) if is_cut_by_pillow(image) else pixels_of(image, limits)
    except RequestError:
        raise
    except Exception as error:  # its file is decoded now; decoders raise as many kinds as there are formats
        raise BrokenPicture(detail=str(error) or type(error).__name__) from error


def _file_behind(image: Image.Image) -> bytes:
    """The file of a picture that Pillow has opened; the picture is decoded afterwards, as it is of any other."""
    file: Any = cast(ImageFile.ImageFile, image).fp
    place = file.tell()
    file.seek(0)
    data: bytes = file.read()
    file.seek(place)
    image.load()
    return data
