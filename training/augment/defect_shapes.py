"""Shapes of synthetic defects: opacities 0..1 over coordinates from the centre, with a reach in pixels.

Every shape ends within 1.5 times its reach: so large is the box that it is drawn in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter, zoom

from snag.training.augment.canvas import Array

#: What is drawn lengthwise ends at this many reaches: inside of its box, whichever way it is turned.
LENGTH: Final = 1.4


def log_uniform(low: float, high: float, random: Generator) -> np.float64:
    """Drawn so that every doubling is as likely: sizes and strengths have no natural unit."""
    return np.float64(np.exp(random.uniform(np.log(low), np.log(high))))


def turned(y: Array, x: Array, random: Generator) -> tuple[Array, Array]:
    """The coordinates along axes turned by any angle."""
    angle = random.uniform(0, np.pi)
    return np.cos(angle) * y - np.sin(angle) * x, np.sin(angle) * y + np.cos(angle) * x


def noise(shape: tuple[int, ...], grain: float, random: Generator) -> Array:
    """Smooth noise, about -1..1, with structures of `grain` pixels."""
    height, width = shape
    coarse = random.standard_normal((int(height / grain) + 3, int(width / grain) + 3)).astype(np.float32)
    fine = zoom(coarse, grain if grain > 1 else 1, order=1)
    return fine[:height, :width]


def blob(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """An ellipse with a ragged edge."""
    v, u = turned(y, x, random)
    aspect = log_uniform(1.0, 3.0, random)  # longer ones are scratches' and stripes' work
    radius = np.sqrt((v * aspect) ** 2 + u**2) / reach
    # Notches of a sixth to half of the reach, less deep than it: the blob stays in one piece.
    ragged = radius + random.uniform(0, 0.45) * noise(radius.shape, max(1.5, reach / random.uniform(2, 6)), random)
    softness = random.uniform(0.6, 3.0) / reach  # in pixels: from cut sharp to out of focus
    return np.clip((1.0 - ragged) / softness + 0.5, 0, 1)


def scratch(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """A thin curved line."""
    v, u = turned(y, x, random)
    bend = random.uniform(-0.5, 0.5) / max(reach, 1.0)  # at its ends at most about a reach off the straight line
    across = np.abs(v - bend * u * u)
    width = random.uniform(0.5, 0.5 + min(2.5, 0.25 * reach))  # half of it: one to six pixels, and always longer than wide
    ends = np.clip((LENGTH * reach - np.abs(u)) / 2.0, 0, 1)
    return np.clip(width - across + 0.5, 0, 1) * ends


def crack(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """A line that wanders, one to three pixels wide."""
    v, u = turned(y, x, random)
    along = np.arange(-2 * int(reach) - 4, 2 * int(reach) + 5)  # beyond the corners of the box
    # A random walk: kinks at every pixel or every few; pressed nearly straight or stretched.
    path = np.cumsum(gaussian_filter(random.standard_normal(len(along)), random.uniform(0.5, 3.0)))
    path = (path - path[len(path) // 2]) * random.uniform(0.3, 1.5)
    across = np.abs(v - np.interp(u, along, path))
    width = random.uniform(0.2, 1.2)
    return np.clip(width - across + 0.5, 0, 1) * np.clip((LENGTH * reach - np.abs(u)) / 2.0, 0, 1)


def flat(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """A rectangle with sharp edges, as a tool leaves it."""
    v, u = turned(y, x, random)
    aspect = random.uniform(0.3, 1.0)  # as of a blob: a third to as wide as it is long
    inside = np.minimum(reach - np.abs(u), aspect * reach - np.abs(v))
    return np.clip(inside + 0.5, 0, 1)


def stripe(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """A straight stretch of thread or tape: five to thirty times as long as it is wide, often along the picture's sides."""
    v, u = turned(y, x, random) if random.random() < 0.5 else ((y, x) if random.random() < 0.5 else (x, y))
    width = max(0.5, reach * log_uniform(0.05, 0.3, random))
    return np.clip(width - np.abs(v) + 0.5, 0, 1) * np.clip(LENGTH * reach - np.abs(u) + 0.5, 0, 1)


def speckle(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """Pits and spots within a disc."""
    radius = np.sqrt(y * y + x * x) / reach
    spots = noise(radius.shape, max(1.2, reach / random.uniform(4, 12)), random)  # four to twelve along the radius
    # What of the noise rises above 0.2 to 1.0: wide spots close together, or a few small ones; the disc's rim fades away.
    return np.clip((spots - random.uniform(0.2, 1.0)) * 3.0, 0, 1) * np.clip((1.0 - radius) * 4.0, 0, 1)


Shape = Callable[[Array, Array, float, Generator], Array]
