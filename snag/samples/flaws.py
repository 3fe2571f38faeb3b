"""What is wrong with a part: each changes a picture where `part` [SIDE, SIDE] is 1."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from snag.samples.kit.noise import field, strength
from snag.samples.kit.shapes import SIDE, Array, Rng, along_and_across, distance, laid, somewhere


def spot(picture: Array, part: Array, rng: Rng) -> Array:
    """Dirt, or a drop of something."""
    reach = strength(rng, 5, 22)
    alpha = part / (1 + np.exp((distance(rng, somewhere(part, rng), rng.uniform(1, 1.5)) - reach) / rng.uniform(0.8, 3)))
    return laid(picture, strength(rng, 0.15, 0.9) * alpha, rng.uniform(20, 200, 3))


def tint(picture: Array, part: Array, rng: Rng) -> Array:
    """Discoloured over a large area: as bright as before."""
    reach = rng.uniform(40, 90)
    alpha = part * np.exp(-0.5 * (distance(rng, somewhere(part, rng), rng.uniform(1, 1.6)) / (0.6 * reach)) ** 2)
    shift = rng.normal(0, 1, 3)
    shift -= shift.mean()
    return picture + alpha[..., None] * shift / np.abs(shift).max() * strength(rng, 12, 50)


def scratch(picture: Array, part: Array, rng: Rng) -> Array:
    """A thin line, a little bent."""
    centre, angle = somewhere(part, rng), rng.uniform(0, np.pi)
    along, across = along_and_across(angle, centre)
    across = across + rng.uniform(-2e-3, 2e-3) * along**2
    length, width = rng.uniform(25, 90), rng.uniform(0.9, 2.0)
    alpha = part * np.exp(-((across / width) ** 2)) * (np.abs(along) < length)
    return picture + alpha[..., None] * rng.choice([-1, 1]) * strength(rng, 20, 90)


def hole(picture: Array, part: Array, rng: Rng) -> Array:
    """Through to what lies below."""
    reach = strength(rng, 4, 14)
    ragged = distance(rng, somewhere(part, rng), rng.uniform(1, 1.4)) + 1.5 * field(rng, 60)
    return laid(picture, (reach - ragged + 0.5).clip(0, 1), np.array([30.0, 28, 26]))


def chip(picture: Array, part: Array, rng: Rng) -> Array:
    """A piece broken off the rim: table where tablet was."""
    rim = np.argwhere((part > 0.3) & (part < 0.7))
    y, x = rim[rng.integers(len(rim))]
    ragged = distance(rng, (float(y), float(x)), rng.uniform(1, 1.4)) + 1.5 * field(rng, 60)
    return laid(picture, part * (strength(rng, 7, 24) - ragged + 0.5).clip(0, 1), picture[part < 0.01].mean(0))


def crack(picture: Array, part: Array, rng: Rng) -> Array:
    """A dark line that wanders."""
    y, x = somewhere(part, rng)
    heading, alpha = rng.uniform(0, 2 * np.pi), np.zeros((SIDE, SIDE))
    for _ in range(int(rng.uniform(40, 130))):
        if 0 <= int(y) < SIDE and 0 <= int(x) < SIDE:
            alpha[int(y), int(x)] = 1
        heading += rng.normal(0, 0.25)
        y, x = y + np.sin(heading), x + np.cos(heading)
    alpha = part * (gaussian_filter(alpha, rng.uniform(0.8, 1.3)) * 4).clip(0, 1)
    return picture * (1 - strength(rng, 0.15, 0.6) * alpha[..., None])


def pulled(picture: Array, part: Array, rng: Rng) -> Array:
    """Threads pushed aside, or drawn together."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    centre = somewhere(part, rng)
    near = np.exp(-0.5 * (distance(rng, centre, rng.uniform(1, 2)) / rng.uniform(12, 30)) ** 2)
    dy, dx = rng.normal(0, 1, 2) * strength(rng, 3, 10)
    moved = [map_coordinates(picture[..., c], [y + dy * near, x + dx * near], order=1, mode="nearest") for c in range(3)]
    return np.dstack(moved)


def thread(picture: Array, part: Array, rng: Rng) -> Array:
    """A stretch of thread in another colour."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    centre = somewhere(part, rng)
    along, across = (x - centre[1], y - centre[0]) if rng.random() < 0.5 else (y - centre[0], x - centre[1])
    alpha = (np.abs(along) < rng.uniform(20, 80)) * (5.5 - np.abs(across)).clip(0, 1)
    return laid(picture, strength(rng, 0.2, 0.8) * alpha, picture * rng.uniform(0.4, 1.7, 3))
