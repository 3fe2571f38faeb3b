"""A bottle's mouth seen from above, always in about the same place, on a table so bright that the camera shows only white.

What is good differs: how thick and how brown the glass is, where and how strongly the lamps are mirrored in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from snag.samples.kit.noise import field, strength
from snag.samples.kit.shapes import SIDE, Array, Pose, Rng, disc, distance, laid

#: The table's is more than a camera of eight bits can tell.
_TABLE, _WALL, _RIM, _LIP, _INSIDE, _LAMP = (
    np.array(colour, dtype=float)
    for colour in ((345, 345, 342), (34, 20, 13), (72, 42, 24), (22, 13, 9), (128, 76, 34), (238, 232, 220))
)
#: Pixels, from the mouth's middle: the glass outside, the rim's outer and inner edge, and the mouth within the lip.
_OUTER, _RIM_OUT, _RIM_IN, _MOUTH = 208, 184, 136, 122
#: Where lamps are mirrored: angle, half of how far, radians, and how far from the middle and how wide, pixels.
_GLINTS: Final = ((-2.3, 0.42, 172, 4.0), (-0.6, 0.26, 168, 3.0), (0.9, 0.36, 151, 3.5), (2.5, 0.18, 196, 2.5))


@dataclass(frozen=True)
class Bottle:
    """As it stands; `seed` draws its glass."""

    at: Pose
    tone: float
    widths: tuple[float, ...]  #: how much further each of its circles reaches, pixels
    glints: Array  #: [n, 5]: as in _GLINTS, and how bright
    seed: int


def bottle(rng: Rng) -> tuple[Array, Array]:
    """The picture [SIDE, SIDE, 3], and 1 everywhere."""
    return _drawn(_blown(rng)), np.ones((SIDE, SIDE))


def chipped(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a small piece broken off its rim."""
    return _broken(rng, strength(rng, 5, 11))


def smashed(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a large piece broken off its rim."""
    return _broken(rng, strength(rng, 16, 40))


def contaminated(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with something inside."""
    good = _blown(rng)
    picture = _drawn(good)
    place = _around(good.at, rng.uniform(0, 0.85 * _MOUTH), rng)
    reach = strength(rng, 6, 24)
    alpha = (reach - distance(rng, place, rng.uniform(1, 1.6)) + 0.5).clip(0, 1) * strength(rng, 0.25, 1)
    return picture, laid(picture, alpha, rng.uniform(10, 190) * np.ones(3))


def dirty(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with dirt beside it on the table."""
    good = _blown(rng)
    picture = _drawn(good)
    corner = np.array([rng.choice((-1, 1)), rng.choice((-1, 1))])
    y, x = SIDE / 2 + corner * rng.uniform(178, 222, 2)
    reach = strength(rng, 5, 12)
    alpha = (reach - distance(rng, (y, x), rng.uniform(1, 1.4)) + 0.5).clip(0, 1)
    return picture, laid(picture, alpha, rng.uniform(20, 200) * np.ones(3))


BROKEN: Final = (chipped, smashed, contaminated, dirty)


# --- how it is made and drawn ----------------------------------------------------------------------------------------------


def _blown(rng: Rng) -> Bottle:
    """Held nearly where it belongs; how it is turned can't be seen."""
    at = Pose(SIDE / 2 + rng.uniform(-4, 4), SIDE / 2 + rng.uniform(-4, 4))
    glints = np.column_stack([np.array(_GLINTS), np.full(len(_GLINTS), 0.85)])
    glints += rng.normal(0, 1, glints.shape) * (0.02, 0.015, 0.5, 0.2, 0.08)
    return Bottle(at, rng.uniform(0.94, 1.06), tuple(rng.normal(0, 0.4, 4)), glints, int(rng.integers(2**32)))


def _around(at: Pose, away: float, rng: Rng) -> tuple[float, float]:
    angle = rng.uniform(-np.pi, np.pi)
    return at.y + away * np.sin(angle), at.x + away * np.cos(angle)


def _broken(rng: Rng, reach: float) -> tuple[Array, Array]:
    """The table where glass was, with a dark edge all around."""
    good = _blown(rng)
    picture = _drawn(good)
    ragged = distance(rng, _around(good.at, _OUTER - 0.5 * reach, rng), rng.uniform(1, 1.4)) + 1.5 * field(rng, 60)
    glass = disc(*good.at.axes(), _OUTER)
    edged = laid(picture, glass * (reach + 2 - ragged + 0.5).clip(0, 1), _LIP)
    return picture, laid(edged, glass * (reach - ragged + 0.5).clip(0, 1), _TABLE)


def _drawn(one: Bottle) -> Array:
    rng = np.random.default_rng(one.seed)
    v, u = one.at.axes()
    away, angle = np.hypot(v, u), np.arctan2(v, u)
    picture = np.ones((SIDE, SIDE, 1)) * _TABLE
    inside = _INSIDE * (1.25 - 0.6 * (away / _MOUTH).clip(0, 1) ** 2)[..., None]
    circles = zip((_OUTER, _RIM_OUT, _RIM_IN, _MOUTH), one.widths, (_WALL, _RIM, _LIP, inside), strict=True)
    shade = one.tone * (1 + 0.04 * field(rng, 12))[..., None]
    for radius, wider, colour in circles:
        picture = laid(picture, disc(v, u, radius + wider), colour * shade)
    for middle, half, out, width, bright in one.glints:
        beside = np.abs((angle - middle + np.pi) % (2 * np.pi) - np.pi)
        along = ((half - beside) / 0.06).clip(0, 1)
        picture = laid(picture, bright * along * np.exp(-(((away - out) / width) ** 2)), _LAMP)
    return picture
