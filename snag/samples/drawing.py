"""What the drawn sets are drawn with: arrays [SIDE, SIDE] and pictures [SIDE, SIDE, 3] of grey levels 0..255."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

SIDE: Final = 480

Array = NDArray[np.float64]
Rng = np.random.Generator


def field(rng: Rng, grain: int) -> Array:
    """Smooth noise of about unit spread, [SIDE, SIDE]; `grain` is how many waves a side has."""
    return zoom(rng.normal(0, 1, (grain + 2, grain + 2)), SIDE / (grain + 2), order=3)


def distance(rng: Rng, centre: tuple[float, float], stretch: float) -> Array:
    """From `centre` in pixels, in an ellipse's measure at a random angle."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    angle = rng.uniform(0, np.pi)
    u, v = (
        np.cos(angle) * (x - centre[1]) + np.sin(angle) * (y - centre[0]),
        np.cos(angle) * (y - centre[0]) - np.sin(angle) * (x - centre[1]),
    )
    return np.hypot(u / stretch, v * stretch)


def somewhere(part: Array, rng: Rng) -> tuple[float, float]:
    """A pixel of the part."""
    places = np.argwhere(part > 0.95)
    y, x = places[rng.integers(len(places))]
    return float(y), float(x)


def strength(rng: Rng, least: float, most: float) -> float:
    """As many weak ones as strong ones: even in its logarithm."""
    return float(np.exp(rng.uniform(np.log(least), np.log(most))))


def laid(picture: Array, alpha: Array, colours: Array) -> Array:
    """Where `alpha` [SIDE, SIDE] is 1, `colours` instead of the picture."""
    return picture + alpha[..., None] * (colours - picture)
