"""What stands where a synthetic defect is opaque: other tones, patches, warps, smears, missing material.

Each fill is given a box [C, h, w] of a prepared picture, another good picture [C, H, W], the box's corner, and what lies
around the part (its grey value, or of each channel [C, 1, 1]) or None; it returns what is to stand in the box, and leaves that
alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter, map_coordinates, uniform_filter1d

from snag.training.augment.defect_shapes import Array, noise


def hue(channels: int, random: Generator) -> Array:
    """What a change of 1 is in each channel, [channels, 1, 1]: the same in all, or every other time a colour."""
    if channels == 1 or random.random() < 0.5:
        return np.ones((channels, 1, 1), dtype=np.float32)
    colour = random.uniform(-1, 1, (channels, 1, 1)).astype(np.float32)
    return colour / np.abs(colour).max()


def tone(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | Array | None) -> Array:
    """Bare metal or dirt: another tone, with streaks."""
    channels, height, width = box.shape
    strength = np.exp(random.uniform(np.log(0.03), np.log(0.5))) * random.choice((-1, 1))
    shift = strength * (hue(channels, random) if channels > 1 or random.random() < 0.7 else random.uniform(0, 1, (1, 1, 1)))
    streaks = uniform_filter1d(
        random.standard_normal((height, width)), int(random.integers(1, 12)), axis=int(random.integers(2))
    )
    middle = box.mean((1, 2), keepdims=True)
    ground = middle + random.uniform(0.0, 1.0) * (box - middle)  # how much of what lies below still shows
    return ground + shift + random.uniform(0, 0.12) * streaks[None]


def patch(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | Array | None) -> Array:
    """A patch of another good part from anywhere; with its own brightness or, as in Poisson blending, this place's."""
    _, height, width = box.shape
    top = int(random.integers(other.shape[1] - height + 1))
    left = int(random.integers(other.shape[2] - width + 1))
    piece = other[:, top : top + height, left : left + width]
    if random.random() < 0.5:
        piece = piece[:, ::-1] if random.random() < 0.5 else piece[:, :, ::-1]
    if random.random() < 0.5:
        return piece
    return piece - piece.mean((1, 2), keepdims=True) + box.mean((1, 2), keepdims=True)


def neighbour(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | Array | None) -> Array:
    """The same place of another good part, displaced by a few pixels."""
    _, height, width = box.shape
    reach = 1 + max(height, width) // 4
    top = int(np.clip(corner[0] + random.integers(-reach, reach + 1), 0, other.shape[1] - height))
    left = int(np.clip(corner[1] + random.integers(-reach, reach + 1), 0, other.shape[2] - width))
    return other[:, top : top + height, left : left + width]


def gain(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | Array | None) -> Array:
    """Brighter, darker or of another hue, with more or less contrast."""
    middle = box.mean((1, 2), keepdims=True)
    strength = np.exp(random.uniform(np.log(0.03), np.log(0.35))) * random.choice((-1, 1))
    return (box - middle) * random.uniform(0.4, 1.8) + middle + strength * hue(len(box), random)


def warp(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | Array | None) -> Array:
    """Bent or dented: a smooth displacement by up to a third of the box."""
    _, height, width = box.shape
    reach = random.uniform(0.05, 0.35) * min(height, width)
    grain = max(2.0, min(height, width) / random.uniform(1.5, 4.0))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    down, right = reach * noise((height, width), grain, random), reach * noise((height, width), grain, random)
    return np.stack([map_coordinates(channel, [y + down, x + right], order=1, mode="nearest") for channel in box])


def smear(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | Array | None) -> Array:
    """Polished or smeared: blurred along one direction or both."""
    sigma = random.uniform(1.0, 6.0)
    sigmas = ((0, sigma, sigma), (0, sigma, 0.3), (0, 0.3, sigma))[random.integers(3)]
    return gaussian_filter(box, sigmas) + random.uniform(-0.06, 0.06)


def missing(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | Array | None) -> Array:
    """Missing material, or a burr where there should be none: background where the part is, the part's tone outside."""
    ground = 0.0 if background is None else background
    level = ground if random.random() < 0.7 else float(box.min()) + random.uniform(0, 0.2)
    return np.full_like(box, level) + 0.01 * random.standard_normal(box.shape)


def recolour(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | Array | None) -> Array:
    """The right surface in a wrong colour: channels exchanged."""
    return box + random.uniform(0.3, 1.0) * (box[random.permutation(len(box))] - box)


Fill = Callable[[Array, Array, tuple[int, int], Generator, "float | Array | None"], Array]
FILLS: Final[list[Fill]] = [tone, tone, patch, patch, neighbour, gain, warp, warp, smear]
#: What fills lines on a surface.
THIN: Final[list[Fill]] = [tone, tone, gain]
