"""Synthetic defects on good pictures: what the autoencoder learns to repair and the weight network to find.

Shapes times fills, each drawn over a wide range and down to just noticeable (JNLD, 2022), so that no setting fits one data set:
patches of other good parts (CutPaste, Li et al., CVPR 2021; NSA, Schlüter et al., ECCV 2022), tones with machining streaks,
warps of what is there, smears, missing material, soft shades. A pixel counts as defective where
it visibly changed (NSA's steep label).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter, map_coordinates, uniform_filter1d, zoom

#: Share of pictures that get defects; the rest stay good, so that "nothing wrong" is an answer too.
DEFECTIVE_SHARE: Final = 0.85
#: A pixel is defective where the change, averaged over 3 x 3, exceeds this (prepared grey values; about 3 of 255 levels).
VISIBLE: Final = 0.015

Array = np.ndarray


def add_defects(clean: Array, where: Array, random: Generator, background: float | None) -> tuple[Array, Array]:
    """Corrupt pictures [N, C, h, w] (float32, left as they are); `where` [h, w] weighs the places.

    `background` is the grey value around an aligned part, or None. Returns the corrupted pictures and masks [N, h, w], 0 or 1.
    """
    corrupted = clean.copy()
    places = np.cumsum(where.ravel().astype(np.float64))
    for i in range(len(clean)):
        if random.random() > DEFECTIVE_SHARE:
            continue
        for _ in range(random.choice((1, 1, 2, 3))):
            spot = int(np.searchsorted(places, random.random() * places[-1]))
            other = clean[random.integers(len(clean))]
            _one_defect(corrupted[i], other, (spot // where.shape[1], spot % where.shape[1]), random, background)
    change = np.abs(corrupted - clean).max(1)
    averaged = uniform_filter1d(uniform_filter1d(change, 3, axis=1), 3, axis=2)
    return corrupted, (averaged > VISIBLE).astype(np.float32)


def _one_defect(picture: Array, other: Array, centre: tuple[int, int], random: Generator, background: float | None) -> None:
    """Change `picture` [C, h, w] in place around `centre`."""
    unit = float(np.sqrt(picture.shape[1] * picture.shape[2])) / 320.0  # sizes below are for 100,000 pixels
    shade = random.random() < 0.08
    reach = float(np.exp(random.uniform(np.log(30 if shade else 3), np.log(110 if shade else 36)))) * unit
    half = int(np.ceil(reach * (1.0 if shade else 1.5))) + 3
    top, bottom = max(0, centre[0] - half), min(picture.shape[1], centre[0] + half + 1)
    left, right = max(0, centre[1] - half), min(picture.shape[2], centre[1] + half + 1)
    box = picture[:, top:bottom, left:right]
    y = np.arange(top, bottom, dtype=np.float32)[:, None] - centre[0]
    x = np.arange(left, right, dtype=np.float32)[None, :] - centre[1]
    if shade:
        alpha = np.exp(-0.5 * (x * x + y * y) / (0.45 * reach) ** 2)
        box += (alpha * random.choice((-1, 1)) * np.exp(random.uniform(np.log(0.03), np.log(0.3)))).astype(np.float32)
        return
    shape = _SHAPES[random.integers(len(_SHAPES))]
    alpha = shape(y, x, reach, random)
    alpha = alpha * np.exp(random.uniform(np.log(0.25), 0.0))
    fills = list(_FILLS) if background is None else [*_FILLS, _missing]
    fill = fills[random.integers(len(fills))]
    box += (alpha * (fill(box, other, (top, left), random, background) - box)).astype(np.float32)


# --- shapes: coordinates from the centre and a reach in pixels -> opacity 0..1 --------------------------------------------


def _turned(y: Array, x: Array, random: Generator) -> tuple[Array, Array]:
    angle = random.uniform(0, np.pi)
    return np.cos(angle) * y - np.sin(angle) * x, np.sin(angle) * y + np.cos(angle) * x


def _noise(shape: tuple[int, ...], grain: float, random: Generator) -> Array:
    """Smooth noise, about -1..1, with structures of `grain` pixels."""
    height, width = shape
    coarse = random.standard_normal((int(height / grain) + 3, int(width / grain) + 3)).astype(np.float32)
    fine = zoom(coarse, grain if grain > 1 else 1, order=1)
    return fine[:height, :width]


def _blob(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """An ellipse with a ragged edge."""
    v, u = _turned(y, x, random)
    aspect = np.exp(random.uniform(0, np.log(3.0)))
    radius = np.sqrt((v * aspect) ** 2 + u**2) / reach
    ragged = radius + random.uniform(0, 0.45) * _noise(radius.shape, max(1.5, reach / random.uniform(2, 6)), random)
    softness = random.uniform(0.6, 3.0) / reach
    return np.clip((1.0 - ragged) / softness + 0.5, 0, 1)


def _scratch(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """A thin curved line."""
    v, u = _turned(y, x, random)
    bend = random.uniform(-0.5, 0.5) / max(reach, 1.0)
    across = np.abs(v - bend * u * u)
    width = random.uniform(0.5, 0.5 + min(2.5, 0.25 * reach))
    ends = np.clip((1.4 * reach - np.abs(u)) / 2.0, 0, 1)
    return np.clip(width - across + 0.5, 0, 1) * ends


def _flat(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """A rectangle with sharp edges, as a tool leaves it."""
    v, u = _turned(y, x, random)
    aspect = random.uniform(0.3, 1.0)
    inside = np.minimum(reach - np.abs(u), aspect * reach - np.abs(v))
    return np.clip(inside + 0.5, 0, 1)


def _speckle(y: Array, x: Array, reach: float, random: Generator) -> Array:
    """Pits and spots within a disc."""
    radius = np.sqrt(y * y + x * x) / reach
    spots = _noise(radius.shape, max(1.2, reach / random.uniform(4, 12)), random)
    return np.clip((spots - random.uniform(0.2, 1.0)) * 3.0, 0, 1) * np.clip((1.0 - radius) * 4.0, 0, 1)


Shape = Callable[[Array, Array, float, Generator], Array]
_SHAPES: Final[list[Shape]] = [_blob, _blob, _scratch, _flat, _speckle]


# --- fills: the box [C, h, w], another good picture, the box's corner -> what stands where the shape is opaque ------------


def _tone(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | None) -> Array:
    """Bare metal or dirt: another tone, with streaks."""
    channels, height, width = box.shape
    strength = np.exp(random.uniform(np.log(0.03), np.log(0.5))) * random.choice((-1, 1))
    shift = strength * (np.ones(channels) if random.random() < 0.7 else random.uniform(0, 1, channels))
    streaks = uniform_filter1d(
        random.standard_normal((height, width)), int(random.integers(1, 12)), axis=int(random.integers(2))
    )
    middle = box.mean((1, 2), keepdims=True)
    ground = middle + random.uniform(0.0, 1.0) * (box - middle)  # how much of what lies below still shows
    return ground + shift[:, None, None] + random.uniform(0, 0.12) * streaks[None]


def _patch(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | None) -> Array:
    """A patch of another good part from anywhere; with its own brightness or, as in Poisson blending, this place's."""
    _, height, width = box.shape
    top = int(random.integers(other.shape[1] - height + 1))
    left = int(random.integers(other.shape[2] - width + 1))
    patch = other[:, top : top + height, left : left + width]
    if random.random() < 0.5:
        patch = patch[:, ::-1] if random.random() < 0.5 else patch[:, :, ::-1]
    if random.random() < 0.5:
        return patch
    return patch - patch.mean((1, 2), keepdims=True) + box.mean((1, 2), keepdims=True)


def _neighbour(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | None) -> Array:
    """The same place of another good part, displaced by a few pixels."""
    _, height, width = box.shape
    reach = 1 + max(height, width) // 4
    top = int(np.clip(corner[0] + random.integers(-reach, reach + 1), 0, other.shape[1] - height))
    left = int(np.clip(corner[1] + random.integers(-reach, reach + 1), 0, other.shape[2] - width))
    return other[:, top : top + height, left : left + width]


def _gain(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | None) -> Array:
    """Brighter or darker, with more or less contrast."""
    middle = box.mean((1, 2), keepdims=True)
    strength = np.exp(random.uniform(np.log(0.03), np.log(0.35))) * random.choice((-1, 1))
    return (box - middle) * random.uniform(0.4, 1.8) + middle + strength


def _warp(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | None) -> Array:
    """Bent or dented: a smooth displacement by up to a third of the box."""
    _, height, width = box.shape
    reach = random.uniform(0.05, 0.35) * min(height, width)
    grain = max(2.0, min(height, width) / random.uniform(1.5, 4.0))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    down, right = reach * _noise((height, width), grain, random), reach * _noise((height, width), grain, random)
    return np.stack([map_coordinates(channel, [y + down, x + right], order=1, mode="nearest") for channel in box])


def _smear(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | None) -> Array:
    """Polished or smeared: blurred along one direction or both."""
    sigma = random.uniform(1.0, 6.0)
    sigmas = ((0, sigma, sigma), (0, sigma, 0.3), (0, 0.3, sigma))[random.integers(3)]
    return gaussian_filter(box, sigmas) + random.uniform(-0.06, 0.06)


def _missing(box: Array, other: Array, corner: tuple[int, int], random: Generator, background: float | None) -> Array:
    """Missing material, or a burr where there should be none: background where the part is, the part's tone outside."""
    ground = 0.0 if background is None else background
    level = ground if random.random() < 0.7 else float(box.min()) + random.uniform(0, 0.2)
    return np.full_like(box, level) + 0.01 * random.standard_normal(box.shape)


Fill = Callable[[Array, Array, tuple[int, int], Generator, "float | None"], Array]
_FILLS: Final[list[Fill]] = [_tone, _tone, _patch, _patch, _neighbour, _gain, _warp, _warp, _smear]
