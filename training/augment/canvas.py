"""What synthetic defects are drawn on: a picture, and the box of it around a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

Array = np.ndarray

#: A change of a pixel, averaged over 3 x 3, is a defect above this (prepared grey values; about 3 of 255 levels).
VISIBLE: Final = 0.015
#: Sizes of defects are for pictures of this many pixels along the side of a square of their area: about 100,000 in all.
_SIDE: Final = 320.0


@dataclass(frozen=True)
class Canvas:
    """A picture that defects are drawn on, in place."""

    picture: Array  #: [C, h, w]
    shades: Array  #: [C, h, w], what is added at the end, when what else was drawn has been looked at
    shaded: Array  #: [h, w] bool: defective by a shade, whether or not a pixel by itself shows it

    @property
    def scale(self) -> float:
        """What sizes for pictures of about 100,000 pixels are to be multiplied by."""
        height, width = self.shaded.shape
        return float(np.sqrt(height * width)) / _SIDE


@dataclass(frozen=True)
class Box:
    """A part of a picture around a centre."""

    pixels: Array  #: [C, h, w], a view: what is written into it is written into the picture
    corner: tuple[int, int]  #: row and column of its first pixel
    y: Array  #: [h, 1], rows from the centre
    x: Array  #: [1, w], columns from the centre


def box_around(picture: Array, centre: tuple[int, int], half: int) -> Box:
    """What of `picture` [C, H, W] lies within `half` pixels of `centre` along both sides."""
    top, bottom = max(0, centre[0] - half), min(picture.shape[1], centre[0] + half + 1)
    left, right = max(0, centre[1] - half), min(picture.shape[2], centre[1] + half + 1)
    y, x = offsets(range(top, bottom), range(left, right), centre)
    return Box(picture[:, top:bottom, left:right], (top, left), y, x)


def offsets(rows: range, columns: range, centre: tuple[int, int]) -> tuple[Array, Array]:
    """Distances of rows [h, 1] and columns [1, w] from `centre`."""
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - centre[0]
    x = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] - centre[1]
    return y, x
