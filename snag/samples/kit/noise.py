"""Random numbers and smooth noise of the drawn sets."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import zoom

from snag.samples.kit.shapes import SIDE, Array, Rng


def stream(seed: int, *place: int | str) -> Rng:
    """The random numbers of one place of a set, for example `stream(0, "test/dent", 3)`: the same on every machine.

    A name counts by its CRC-32.
    """
    return np.random.default_rng([seed, *(zlib.crc32(one.encode()) if isinstance(one, str) else one for one in place)])


def strength(rng: Rng, least: float, most: float) -> float:
    """As many weak ones as strong ones: even in its logarithm."""
    return float(np.exp(rng.uniform(np.log(least), np.log(most))))


def field(rng: Rng, grain: int) -> Array:
    """Smooth noise of about unit spread, [SIDE, SIDE], by cubic splines; `grain` is how many waves a side has."""
    return zoom(rng.normal(0, 1, (grain + 2, grain + 2)), SIDE / (grain + 2), order=3)


def fog(rng: Rng, cells: tuple[int, int], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Smooth noise, float32 [rows, columns]: `cells` independent values, down and across, made large bicubically."""
    coarse = Image.fromarray(rng.standard_normal(cells, dtype=np.float32))
    return np.asarray(coarse.resize(shape[::-1], Image.Resampling.BICUBIC))
