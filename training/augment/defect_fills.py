"""What stands where a synthetic defect is opaque: other tones, patches, warps, smears, missing material.

Each fill is given a `Site` and a generator. It returns what is to stand there, as large as the site's box, and leaves the
box alone. Strengths are in prepared grey values, of which a picture's own deviate by about 0.15.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter, map_coordinates, uniform_filter1d

from snag.training.augment.canvas import Array
from snag.training.augment.defect_shapes import log_uniform, noise

#: The faintest change that is drawn: twice what counts as visible, so that half opaque it is just noticeable.
FAINT: Final = 0.03
#: Share of missing material through which the table is seen; the rest is a hole as dark as what is darkest around.
SEEN_THROUGH: Final = 0.7


@dataclass(frozen=True)
class Site:
    """Where a fill is to stand."""

    box: Array  #: [C, h, w] of a prepared picture
    corner: tuple[int, int]  #: row and column of the box's first pixel
    other: Array  #: [C, H, W], another good picture
    background: float | Array | None  #: what lies around the part: grey value, or of each channel [C, 1, 1]; None: no part


def hue(channels: int, random: Generator) -> Array:
    """What a change of 1 is in each channel, [channels, 1, 1]: the same in all, or every other time a colour."""
    if channels == 1 or random.random() < 0.5:
        return np.ones((channels, 1, 1), dtype=np.float32)
    colour = random.uniform(-1, 1, (channels, 1, 1)).astype(np.float32)
    return colour / np.abs(colour).max()


def tone(site: Site, random: Generator) -> Array:
    """Bare metal or dirt: another tone, with streaks."""
    channels, height, width = site.box.shape
    strength = log_uniform(FAINT, 0.5, random) * random.choice((-1, 1))  # up to half the way from black to white
    shift = strength * (hue(channels, random) if channels > 1 or random.random() < 0.7 else random.uniform(0, 1, (1, 1, 1)))
    streaks = uniform_filter1d(  # from grain to marks as long as a defect of middling size
        random.standard_normal((height, width)), int(random.integers(1, 12)), axis=int(random.integers(2))
    )
    middle = site.box.mean((1, 2), keepdims=True)
    ground = middle + random.uniform(0.0, 1.0) * (site.box - middle)  # how much of what lies below still shows
    return ground + shift + random.uniform(0, 0.12) * streaks[None]  # weaker than the picture's own structure


def patch(site: Site, random: Generator) -> Array:
    """A patch of another good part from anywhere; with its own brightness or, as in Poisson blending, this place's."""
    _, height, width = site.box.shape
    top = int(random.integers(site.other.shape[1] - height + 1))
    left = int(random.integers(site.other.shape[2] - width + 1))
    piece = site.other[:, top : top + height, left : left + width]
    if random.random() < 0.5:
        piece = piece[:, ::-1] if random.random() < 0.5 else piece[:, :, ::-1]
    if random.random() < 0.5:
        return piece
    return piece - piece.mean((1, 2), keepdims=True) + site.box.mean((1, 2), keepdims=True)


def neighbour(site: Site, random: Generator) -> Array:
    """The same place of another good part, displaced by a few pixels: up to a quarter of the box, so that most still fits."""
    _, height, width = site.box.shape
    reach = 1 + max(height, width) // 4
    top = int(np.clip(site.corner[0] + random.integers(-reach, reach + 1), 0, site.other.shape[1] - height))
    left = int(np.clip(site.corner[1] + random.integers(-reach, reach + 1), 0, site.other.shape[2] - width))
    return site.other[:, top : top + height, left : left + width]


def gain(site: Site, random: Generator) -> Array:
    """Brighter, darker or of another hue, with more or less contrast."""
    middle = site.box.mean((1, 2), keepdims=True)
    strength = log_uniform(FAINT, 0.35, random) * random.choice((-1, 1))  # up to about twice the picture's own deviation
    contrast = random.uniform(0.4, 1.8)  # from nearly worn away to nearly twice
    return (site.box - middle) * contrast + middle + strength * hue(len(site.box), random)


def warp(site: Site, random: Generator) -> Array:
    """Bent or dented: a smooth displacement by up to a third of the box."""
    _, height, width = site.box.shape
    reach = random.uniform(0.05, 0.35) * min(height, width)
    grain = max(2.0, min(height, width) / random.uniform(1.5, 4.0))  # one bend in all of the box, or up to four
    y, x = np.mgrid[:height, :width].astype(np.float32)
    down, right = reach * noise((height, width), grain, random), reach * noise((height, width), grain, random)
    return np.stack([map_coordinates(channel, [y + down, x + right], order=1, mode="nearest") for channel in site.box])


def smear(site: Site, random: Generator) -> Array:
    """Polished or smeared: blurred along one direction or both."""
    sigma = random.uniform(1.0, 6.0)  # pixels: less is a lens's work, more leaves an even tone, which `tone` draws
    sigmas = ((0, sigma, sigma), (0, sigma, 0.3), (0, 0.3, sigma))[random.integers(3)]  # 0.3 blurs nothing
    return gaussian_filter(site.box, sigmas) + random.uniform(-0.06, 0.06)  # what is polished shines a little more or less


def missing(site: Site, random: Generator) -> Array:
    """Missing material, or a burr where there should be none: background where the part is, the part's tone outside."""
    ground = 0.0 if site.background is None else site.background
    level = ground if random.random() < SEEN_THROUGH else float(site.box.min()) + random.uniform(0, 0.2)
    return np.full_like(site.box, level) + 0.01 * random.standard_normal(site.box.shape)  # as noisy as a camera makes it


def recolour(site: Site, random: Generator) -> Array:
    """The right surface in a wrong colour: channels exchanged, by a third at least, or nobody would see it."""
    return site.box + random.uniform(0.3, 1.0) * (site.box[random.permutation(len(site.box))] - site.box)


Fill = Callable[[Site, Generator], Array]
