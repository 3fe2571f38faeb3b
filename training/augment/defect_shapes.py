"""Shapes of synthetic defects: opacities 0..1 over coordinates from the centre, with a reach in pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter, zoom

Array = np.ndarray


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
    aspect = np.exp(random.uniform(0, np.log(3.0)))
    radius = np.sqrt((v * aspect) ** 2 + u**2) / reach
    ragged = radius + random.uniform(0, 0.45) * noise(radius.shape, max(1.5, reach / random.uniform(2, 6)), random)
    softness = random.uniform(0.6, 3.0) / reach
    return np.clip((1.0 - ragged) / softness + 0.5, 0, 1)


def scratch(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """A thin curved line."""
    v, u = turned(y, x, random)
    bend = random.uniform(-0.5, 0.5) / max(reach, 1.0)
    across = np.abs(v - bend * u * u)
    width = random.uniform(0.5, 0.5 + min(2.5, 0.25 * reach))
    ends = np.clip((1.4 * reach - np.abs(u)) / 2.0, 0, 1)
    return np.clip(width - across + 0.5, 0, 1) * ends


def crack(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """A line that wanders, one to three pixels wide."""
    v, u = turned(y, x, random)
    along = np.arange(-2 * int(reach) - 4, 2 * int(reach) + 5)
    path = np.cumsum(gaussian_filter(random.standard_normal(len(along)), random.uniform(0.5, 3.0)))
    path = (path - path[len(path) // 2]) * random.uniform(0.3, 1.5)
    across = np.abs(v - np.interp(u, along, path))
    width = random.uniform(0.2, 1.2)
    return np.clip(width - across + 0.5, 0, 1) * np.clip((1.4 * reach - np.abs(u)) / 2.0, 0, 1)


def flat(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """A rectangle with sharp edges, as a tool leaves it."""
    v, u = turned(y, x, random)
    aspect = random.uniform(0.3, 1.0)
    inside = np.minimum(reach - np.abs(u), aspect * reach - np.abs(v))
    return np.clip(inside + 0.5, 0, 1)


def stripe(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """A straight stretch of thread or tape: five to thirty times as long as it is wide, often along the picture's sides."""
    v, u = turned(y, x, random) if random.random() < 0.5 else ((y, x) if random.random() < 0.5 else (x, y))
    width = max(0.5, reach * np.exp(random.uniform(np.log(0.05), np.log(0.3))))
    return np.clip(width - np.abs(v) + 0.5, 0, 1) * np.clip(1.4 * reach - np.abs(u) + 0.5, 0, 1)


def speckle(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """Pits and spots within a disc."""
    radius = np.sqrt(y * y + x * x) / reach
    spots = noise(radius.shape, max(1.2, reach / random.uniform(4, 12)), random)
    return np.clip((spots - random.uniform(0.2, 1.0)) * 3.0, 0, 1) * np.clip((1.0 - radius) * 4.0, 0, 1)


Shape = Callable[[Array, Array, float, Generator], Array]
SHAPES: Final[list[Shape]] = [blob, blob, scratch, flat, speckle]
