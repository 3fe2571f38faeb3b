"""The mask of a defective picture: the one reading of its file, for checks, evaluation and report.

A mask marks what is not black or clear; one with many grey values (soft edges, JPEG) what reaches half of its brightest.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageOps

from snag.core.errors import BadDataset
from snag.core.picture import PictureLimits, decode
from snag.core.picture_formats import FORMATS

#: A file is a mask only if it says itself that it is a picture: no bare pixels.
LIMITS: Final = PictureLimits(raw_shape=None)
#: A mask with so many colours at most numbers kinds of defect by them; so does a grey one that goes no higher.
_LABELS: Final = 32
#: A mask with so many grey values at most, all of them well above black, numbers kinds of defect by them.
_FEW: Final = 8
#: Part of the brightest value below which a grey value may be noise of JPEG.
_NOISE: Final = 1 / 16


@dataclass(frozen=True)
class Mask:
    """What a mask says of its picture."""

    marked: np.ndarray  #: bool [H, W], true on the defect
    is_soft: bool = False  #: it has grey values between, and was cut at half of the brightest

    @property
    def is_inverted(self) -> bool:
        """Whether it marks most of its picture and of the picture's edge, as one does that shows the defect in black."""
        lines = (self.marked[0], self.marked[-1], self.marked[:, 0], self.marked[:, -1])
        return bool(self.marked.mean() > 0.5 and np.concatenate(lines).mean() > 0.5)

    def fault(self, height: int | None = None, width: int | None = None) -> tuple[str, str] | None:
        """Why it can't be used for a picture of that size: "mask_size", "mask_empty" or "mask_inverted", and a sentence."""
        rows, columns = self.marked.shape
        if height is not None and (rows, columns) != (height, width):
            return "mask_size", f"has {columns} x {rows} pixels; expected {width} x {height} as its picture"
        if not self.marked.any():
            return "mask_empty", "marks nothing; expected the defect in white"
        if self.is_inverted:
            share = f"{100 * self.marked.mean():.3g} %"
            return "mask_inverted", f"marks {share} of its picture, probably inverted; expected the defect in white on black"
        return None


def read_mask(data: bytes, limits: PictureLimits = LIMITS) -> Mask:
    """The mask in an encoded picture: what differs from black, clear or palette entry 0, or with soft edges what reaches half.

    Where a palette so read marks most of the picture and its colours don't, they decide. Raises what
    `snag.core.picture.decode` raises, and BadDataset for what Pillow can't read again.
    """
    decode(data, limits)  # it knows what is broken, too large or dangerous
    try:
        with Image.open(io.BytesIO(data), formats=tuple(FORMATS)) as opened:
            return _marks(_upright(opened))
    except (OSError, ValueError, SyntaxError) as error:
        raise BadDataset(detail=str(error)) from error


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF says nothing about the pixels; its parser raises as many kinds as a decoder
        return image


def _marks(image: Image.Image) -> Mask:
    if image.mode != "P":
        return _marks_of(*_values(image))
    index = np.asarray(image)
    by_index = Mask(index != 0)
    if np.count_nonzero(np.bincount(index.ravel())) <= _LABELS and not by_index.is_inverted:
        return by_index
    by_colour = _marks_of(*_values(image.convert("RGBA")))
    return by_index if by_colour.is_inverted else by_colour


def _values(image: Image.Image) -> tuple[np.ndarray, bool]:
    """Numbers [H, W], 0 for the background, and whether they number kinds of defect."""
    if image.mode.startswith(("I", "F")):
        return np.asarray(image), False
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return np.asarray(image.convert("L")), False
    rgba = np.asarray(image.convert("RGBA"))
    colour, alpha = rgba[..., :3], rgba[..., 3]
    if alpha.min() < alpha.max():
        opaque = colour[alpha >= alpha.max() / 2]
        if np.ptp(opaque, axis=0).max() < _LABELS:  # one ink: alpha alone is the shape
            return alpha, False
        colour = colour * (alpha[..., None] / 255.0)
    is_grey = not np.ptp(colour, axis=2).any()
    codes = (colour.astype(np.int32) * (65536, 256, 1)).sum(2)
    return colour.max(2), not is_grey and len(np.unique(codes)) <= _LABELS


def _marks_of(values: np.ndarray, are_labels: bool) -> Mask:
    levels = np.unique(values[values > 0])
    if not len(levels):
        return Mask(values > 0)
    brightest = levels[-1]
    numbers_kinds = brightest <= _LABELS and bool((levels == np.round(levels)).all())
    if numbers_kinds or ((are_labels or len(levels) <= _FEW) and levels[0] >= brightest * _NOISE):
        return Mask(values > 0)
    return Mask(values >= brightest / 2, is_soft=True)
