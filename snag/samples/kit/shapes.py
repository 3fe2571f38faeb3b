"""Shapes with soft edges on pictures [SIDE, SIDE, 3] of grey levels 0..255; masks [SIDE, SIDE] are 0..1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIDE: Final = 480
#: Every row, or every column.
ALL: Final = slice(0, SIDE)

Array = NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True)
class Pose:
    """Where something lies, in pixels, and how far it is turned clockwise, in degrees."""

    y: float
    x: float
    turn: float = 0.0

    def axes(self, down: slice = ALL, right: slice = ALL) -> tuple[Array, Array]:
        """How far below its middle and right of it each pixel of a piece lies, in its own directions."""
        y, x = np.mgrid[down, right].astype(float)
        sin, cos = np.sin(np.radians(self.turn)), np.cos(np.radians(self.turn))
        return cos * (y - self.y) - sin * (x - self.x), cos * (x - self.x) + sin * (y - self.y)


def along_and_across(angle: float, centre: tuple[float, float]) -> tuple[Array, Array]:
    """How far each pixel lies from `centre` (y, x) in the direction of `angle` (radians), and at right angles to it."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    cos, sin = np.cos(angle), np.sin(angle)
    return cos * (x - centre[1]) + sin * (y - centre[0]), cos * (y - centre[0]) - sin * (x - centre[1])


def distance(rng: Rng, centre: tuple[float, float], stretch: float) -> Array:
    """From `centre` in pixels, in an ellipse's measure at a random angle."""
    along, across = along_and_across(rng.uniform(0, np.pi), centre)
    return np.hypot(along / stretch, across * stretch)


def disc(v: Array, u: Array, radius: float) -> Array:
    """The mask of a disc; `v` and `u` say how far below and right of its middle each pixel lies."""
    return (radius - np.hypot(v, u) + 0.5).clip(0, 1)


def box(v: Array, u: Array, height: float, width: float) -> Array:
    """The mask of a rectangle around the middle."""
    return (np.minimum(height / 2 - np.abs(v), width / 2 - np.abs(u)) + 0.5).clip(0, 1)


def somewhere(part: Array, rng: Rng) -> tuple[float, float]:
    """A pixel of the part."""
    places = np.argwhere(part > 0.95)
    y, x = places[rng.integers(len(places))]
    return float(y), float(x)


def laid(picture: Array, alpha: Array, colours: Array) -> Array:
    """Where the mask `alpha` is 1, `colours` instead of the picture."""
    return picture + alpha[..., None] * (colours - picture)
