"""The front of an instrument, always in about the same place, and what goes wrong when it is assembled.

What is good differs: how the plate was brushed, how far each screw is turned, how each needle trembles, the tone of each lens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Final, TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, map_coordinates, uniform_filter1d

from snag.samples.kit.noise import strength
from snag.samples.kit.shapes import SIDE, Array, Pose, Rng, along_and_across, disc, distance, laid

_PLATE, _FACE, _INK, _NEEDLE, _STEEL, _DARK = (
    np.array(colour, dtype=float)
    for colour in ((124, 128, 136), (226, 222, 208), (34, 34, 38), (188, 44, 36), (176, 178, 184), (30, 30, 34))
)
_LENSES: Final = np.array([[206.0, 52, 44], [228, 170, 48], [64, 168, 84], [64, 110, 196]])
#: Down and right of the middle, pixels; and a dial's radius.
_DIALS: Final = ((-90, -110, 78), (-110, 110, 62), (60, 130, 62))
_SCREWS: Final = ((-205, -205), (-205, 205), (205, -205), (205, 205), (-205, 0), (205, 0))
_LAMPS: Final = tuple((120, -160 + 52 * i) for i in range(4))
_LABELS: Final = (("PRESSURE bar", 8, -110), ("FLOW", -30, 110), ("TEMP C", 140, 130), ("READY  RUN  WAIT  FAULT", 160, -82))
_REST: Final = -2.2

T = TypeVar("T")


@dataclass(frozen=True)
class Panel:
    """As it stands; `seed` draws how its plate was brushed."""

    at: Pose
    needles: tuple[float, ...]  #: angle of each, radians from upright
    turns: tuple[float | None, ...]  #: of each screw's slot, radians; None where there is none
    lenses: tuple[int | None, ...]  #: colour of each; None where there is none
    tones: tuple[float, ...]  #: of each lens
    seed: int


def panel(rng: Rng) -> tuple[Array, Array]:
    """The picture [SIDE, SIDE, 3], and 1 everywhere."""
    return _drawn(_assembled(rng)), np.ones((SIDE, SIDE))


def stuck(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a needle that is not at rest."""
    good, which = _assembled(rng), int(rng.integers(len(_DIALS)))
    return _changed(good, needles=_but(good.needles, which, good.needles[which] + strength(rng, 0.12, 2.0)))


def exchanged(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a lens of another's colour."""
    good, which = _assembled(rng), int(rng.integers(len(_LAMPS)))
    return _changed(good, lenses=_but(good.lenses, which, (which + int(rng.integers(1, 4))) % 4))


def absent(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a hole where a screw or a lens is to be."""
    good = _assembled(rng)
    if rng.random() < 0.5:
        return _changed(good, turns=_but(good.turns, int(rng.integers(len(_SCREWS))), None))
    return _changed(good, lenses=_but(good.lenses, int(rng.integers(len(_LAMPS))), None))


def unprinted(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a part of a label or of a dial's figures missing."""
    good = _assembled(rng)
    marks = np.argwhere(_layers()[1] > 0.6)
    y, x = marks[rng.integers(len(marks))]
    v, u = good.at.axes()
    reach = strength(rng, 5, 26)
    gone = (reach - np.hypot((v - (y - SIDE / 2)) * 1.5, u - (x - SIDE / 2)) + 0.5).clip(0, 1)
    return _drawn(good), _drawn(good, 1 - gone)


def smudge(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and touched with a greasy finger: a blurred, slightly darker place."""
    picture = _drawn(_assembled(rng))
    place = rng.uniform(60, SIDE - 60), rng.uniform(60, SIDE - 60)
    alpha = np.exp(-0.5 * (distance(rng, place, rng.uniform(1, 1.7)) / rng.uniform(10, 24)) ** 2)
    blurred = gaussian_filter(picture, (2.5, 2.5, 0)) * (1 - strength(rng, 0.08, 0.35))
    return picture, laid(picture, alpha, blurred)


def gouge(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a bright or dark scratch across the plate."""
    picture = _drawn(_assembled(rng))
    place, angle = rng.uniform(80, SIDE - 80, 2), rng.uniform(0, np.pi)
    along, across = along_and_across(angle, (place[0], place[1]))
    alpha = (rng.uniform(0.8, 2.0) - np.abs(across) + 0.5).clip(0, 1) * (np.abs(along) < rng.uniform(20, 80))
    return picture, picture + alpha[..., None] * rng.choice((-1, 1)) * strength(rng, 25, 90)


FAULTS: Final = (stuck, exchanged, absent, unprinted, smudge, gouge)


# --- how it is assembled and drawn -----------------------------------------------------------------------------------------


def _assembled(rng: Rng) -> Panel:
    """Held nearly straight."""
    return Panel(
        Pose(SIDE / 2 + rng.uniform(-4, 4), SIDE / 2 + rng.uniform(-4, 4), rng.uniform(-1, 1)),
        tuple(_REST + rng.normal(0, 0.015) for _ in _DIALS),
        tuple(rng.uniform(0, np.pi) for _ in _SCREWS),
        tuple(range(len(_LAMPS))),
        tuple(rng.uniform(0.9, 1.1) for _ in _LAMPS),
        int(rng.integers(2**32)),
    )


def _but(values: tuple[T, ...], which: int, value: T) -> tuple[T, ...]:
    return (*values[:which], value, *values[which + 1 :])


def _changed(good: Panel, **changes: object) -> tuple[Array, Array]:
    return _drawn(good), _drawn(replace(good, **changes))  # type: ignore[arg-type]


def _drawn(one: Panel, printed: Array | float = 1.0) -> Array:
    """With as much of its print as `printed` says, [SIDE, SIDE]."""
    rng = np.random.default_rng(one.seed)
    v, u = one.at.axes()
    brushed = uniform_filter1d(rng.normal(0, 1, (SIDE, SIDE)), 41, axis=1) * 6.4
    picture = _PLATE * (1 + 0.035 * brushed)[..., None]
    faces, ink = (map_coordinates(layer, [v + SIDE / 2, u + SIDE / 2], order=1, mode="nearest") for layer in _layers())
    picture = laid(picture, faces, _FACE)
    picture = laid(picture, ink * printed, _INK)
    for (y, x, radius), angle in zip(_DIALS, one.needles, strict=True):
        down, right = -np.cos(angle), np.sin(angle)
        along, across = (v - y) * down + (u - x) * right, (v - y) * right - (u - x) * down
        needle = (2.2 - np.abs(across) + 0.5).clip(0, 1) * ((along > -10) & (along < 0.72 * radius))
        picture = laid(laid(picture, needle, _NEEDLE), disc(v - y, u - x, 7), _DARK)
    for (y, x), turn in zip(_SCREWS, one.turns, strict=True):
        picture = laid(picture, disc(v - y, u - x, 13), _DARK if turn is None else _STEEL)
        if turn is not None:
            slot = (2 - np.abs(np.cos(turn) * (v - y) - np.sin(turn) * (u - x)) + 0.5).clip(0, 1) * disc(v - y, u - x, 11)
            picture = laid(picture, slot, _DARK)
    for (y, x), lens, tone in zip(_LAMPS, one.lenses, one.tones, strict=True):
        picture = laid(picture, disc(v - y, u - x, 18), _STEEL * 0.8)
        picture = laid(picture, disc(v - y, u - x, 14), _DARK if lens is None else _LENSES[lens] * tone)
        if lens is not None:
            picture = laid(picture, 0.5 * disc(v - y + 5, u - x + 5, 4), _FACE)
    return picture


@cache
def _layers() -> tuple[Array, Array]:
    """The dials' faces and all that is printed, where they belong, [SIDE, SIDE] each."""
    faces, ink = Image.new("L", (SIDE, SIDE)), Image.new("L", (SIDE, SIDE))
    bright, dark, font = ImageDraw.Draw(faces), ImageDraw.Draw(ink), ImageFont.load_default(13)
    for down, right, radius in _DIALS:
        y, x = SIDE / 2 + down, SIDE / 2 + right
        bright.ellipse([x - radius, y - radius, x + radius, y + radius], fill=255)
        dark.ellipse([x - radius, y - radius, x + radius, y + radius], outline=255, width=3)
        for tick in range(11):
            angle = _REST + tick * 0.44
            out, up = np.sin(angle), -np.cos(angle)
            inner = (0.8 if tick % 2 else 0.74) * radius
            dark.line([(x + inner * out, y + inner * up), (x + 0.9 * radius * out, y + 0.9 * radius * up)], fill=255, width=2)
            if tick % 2 == 0:
                dark.text((x + 0.58 * radius * out, y + 0.58 * radius * up), str(tick), fill=255, font=font, anchor="mm")
    for words, down, right in _LABELS:
        dark.text((SIDE / 2 + right, SIDE / 2 + down), words, fill=255, font=font, anchor="mm")
    layers = [gaussian_filter(np.asarray(image) / 255.0, 0.6) for image in (faces, ink)]
    return layers[0], layers[1]
