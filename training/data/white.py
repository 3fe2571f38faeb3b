"""Where white is in good pictures of 16 bits: many a camera of 12 bits fills no more of them, and its white is 4095.

It is one number for a set and for the model that learns from it, never a picture's own: one bright pixel more or less must not
change what a picture looks like to the model. What a file says of its depth is no help: PNG's sBIT tells how many bits mean
something after all were scaled to 16, and TIFF's MaxSampleValue is the greatest value of one picture, if that.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from snag.core.errors import UnreadablePictures
from snag.core.picture import FULL, PictureLimits, white_of
from snag.core.samples import is_deep
from snag.training.data.dataset import read
from snag.training.data.survey import in_threads


def white_of_set(paths: Sequence[Path], limits: PictureLimits) -> int | None:
    """What white is in those of these pictures that have 16 bits, as none of them is brighter; None where none has.

    What can't be read has no say here: who reads it next names it.
    """
    deep = [path for path in paths if _is_deep(path)]
    if not deep:
        return None
    return white_of(max(in_threads(lambda path: _greatest(path, limits), deep, "range")))


def _is_deep(path: Path) -> bool:
    """By the header alone."""
    try:
        with Image.open(path) as image:
            return is_deep(image)
    except Exception:
        return False


def _greatest(path: Path, limits: PictureLimits) -> int:
    try:
        picture = read(path, limits)
    except UnreadablePictures:
        return 0
    return round(float(picture.max()) * FULL / 255) if picture.is_floating_point() else 0
