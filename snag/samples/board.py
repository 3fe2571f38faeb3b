"""A populated circuit board, always in the same place but for the play of its holder, and what goes wrong when it is populated.

What is good differs: where within its pads a component lies, its tone, the shine of its solder, the lot that is printed on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, map_coordinates

from snag.samples.board_component import DARK, GOLD, PITCH, PRINT, TIN, Component, pins_of, soldered
from snag.samples.kit.noise import field, strength
from snag.samples.kit.shapes import SIDE, Array, Pose, Rng, laid

_MASK: Final = np.array([26.0, 84, 58])
_TRACE: Final = np.array([42.0, 112, 76])
_SMALL: Final = ("resistor", "capacitor", "diode")
#: What has a right way round.
_POLAR: Final = ("chip", "diode", "can")


@dataclass(frozen=True)
class Board:
    """As it lies; `seed` draws its solder and its texture."""

    at: Pose
    components: tuple[Component, ...]
    seed: int

    def but(self, which: int, **changes: object) -> Board:
        """With one of its components changed."""
        changed = replace(self.components[which], **changes)  # type: ignore[arg-type]
        return replace(self, components=(*self.components[:which], changed, *self.components[which + 1 :]))


def _row(kind: str, height: float, width: float, *places: tuple[float, float]) -> Iterator[Component]:
    return (Component(kind, Pose(y, x), height, width) for y, x in places)


#: As it should be; what has two ends has them left and right.
_LAYOUT: Final = (
    *_row("chip", 96, 130, (170, 190)),
    *_row("chip", 78, 104, (350, 330)),
    *_row("can", 76, 76, (110, 390)),
    *_row("can", 60, 60, (215, 395)),
    *_row("header", 36, 150, (430, 150)),
    *_row("diode", 24, 48, (285, 120), (60, 300)),
    *_row("resistor", 20, 38, (60, 90), (60, 150), (330, 80), (360, 200), (440, 300), (440, 360)),
    *_row("capacitor", 22, 38, (60, 210), (290, 220), (330, 150), (285, 420), (440, 420)),
)


def board(rng: Rng) -> tuple[Array, Array]:
    """The picture [SIDE, SIDE, 3], and 1 everywhere."""
    return _drawn(_populated(rng)), np.ones((SIDE, SIDE))


def missing(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a component less: its pads lie bare."""
    good = _populated(rng)
    return _drawn(good), _drawn(good.but(int(rng.integers(len(_LAYOUT))), kind="none"))


def turned(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a component askew, or a polar one the wrong way round."""
    good, which = _populated(rng), int(rng.integers(len(_LAYOUT)))
    one = good.components[which]
    by = 180.0 if one.kind in _POLAR and rng.random() < 0.5 else strength(rng, 6, 30) * rng.choice((-1, 1))
    return _drawn(good), _drawn(good.but(which, at=replace(one.at, turn=one.at.turn + by)))


def shifted(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a component beside its pads."""
    good, which = _populated(rng), int(rng.integers(len(_LAYOUT)))
    at, reach, angle = good.components[which].at, strength(rng, 5, 14), rng.uniform(0, 2 * np.pi)
    beside = replace(at, y=at.y + reach * np.sin(angle), x=at.x + reach * np.cos(angle))
    return _drawn(good), _drawn(good.but(which, at=beside))


def swapped(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a resistor, a capacitor or a diode in the place of another of them."""
    good = _populated(rng)
    which = int(rng.choice([i for i, one in enumerate(_LAYOUT) if one.kind in _SMALL]))
    others = [kind for kind in _SMALL if kind != _LAYOUT[which].kind]
    return _drawn(good), _drawn(good.but(which, kind=str(rng.choice(others))))


def bridged(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with solder between two pins of a chip."""
    good = _populated(rng)
    picture, chip = _drawn(good), good.components[int(rng.integers(2))]
    v, u = chip.at.axes()
    pins = pins_of(chip)
    between = pins[rng.integers(len(pins) - 1)] + PITCH / 2
    away = np.hypot((u - between) / 1.6, v - rng.choice((-1, 1)) * (chip.height / 2 + 4))
    return picture, laid(picture, (rng.uniform(4, 7) - away + 0.5).clip(0, 1), TIN * rng.uniform(0.8, 1.2))


MISPLACED: Final = (missing, turned, shifted, swapped, bridged)


# --- how it is populated and drawn -----------------------------------------------------------------------------------------


def _populated(rng: Rng) -> Board:
    """In a holder with some play, each component somewhere on its pads."""
    at = Pose(SIDE / 2 + rng.uniform(-4, 4), SIDE / 2 + rng.uniform(-4, 4), rng.uniform(-0.8, 0.8))
    sin, cos = np.sin(np.radians(at.turn)), np.cos(np.radians(at.turn))
    components = []
    for one in _LAYOUT:
        v, u = one.at.y - SIDE / 2 + rng.uniform(-1.2, 1.2), one.at.x - SIDE / 2 + rng.uniform(-1.2, 1.2)
        place = Pose(at.y + cos * v + sin * u, at.x + cos * u - sin * v, at.turn + rng.uniform(-1.5, 1.5))
        components.append(replace(one, at=place, tone=rng.uniform(0.92, 1.08), lot=f"{rng.integers(10_000):04d}"))
    return Board(at, tuple(components), int(rng.integers(2**32)))


def _drawn(board: Board) -> Array:
    rng = np.random.default_rng(board.seed)
    v, u = board.at.axes()
    etched, printed, gold, holes = (
        map_coordinates(layer, [v + SIDE / 2, u + SIDE / 2], order=1, mode="nearest") for layer in _bare()
    )
    picture = np.ones((SIDE, SIDE, 1)) * _MASK
    for alpha, colour in ((etched, _TRACE), (gold, GOLD * rng.uniform(0.95, 1.05)), (printed, PRINT), (holes, DARK)):
        picture = laid(picture, alpha, colour)
    for number, one in enumerate(board.components):
        picture = soldered(picture, one, np.random.default_rng([board.seed, number]))
    return picture * (1 + 0.02 * field(rng, 90))[..., None]


@cache
def _bare() -> tuple[Array, Array, Array, Array]:
    """The board alone, where it belongs: traces, print, gold and holes, [SIDE, SIDE] each."""
    rng = np.random.default_rng(0)
    etched, printed, gold, holes = (Image.new("L", (SIDE, SIDE)) for _ in range(4))
    pens = {name: ImageDraw.Draw(image) for name, image in (("e", etched), ("p", printed), ("g", gold), ("h", holes))}
    for one in _LAYOUT:
        y, x = one.at.y, one.at.x
        for _ in range(4 if one.kind in ("chip", "header") else 2):
            corner, end = x + rng.integers(-70, 70), y + rng.integers(-70, 70)
            pens["e"].line([(x, y), (corner, y), (corner, end)], fill=255, width=4)
            pens["g"].ellipse([corner - 5, end - 5, corner + 5, end + 5], fill=255)
            pens["h"].ellipse([corner - 2, end - 2, corner + 2, end + 2], fill=255)
        half = (one.width / 2 + 9, one.height / 2 + (18 if one.kind == "chip" else 7))
        pens["p"].rectangle([x - half[0], y - half[1], x + half[0], y + half[1]], outline=255, width=2)
        for middle in (x - one.width / 2 + 4, x + one.width / 2 - 4):
            pens["g"].rectangle([middle - 7, y - 9, middle + 7, y + 9], fill=255)
    for y, x in ((22, 22), (22, 458), (458, 22), (458, 458)):
        pens["g"].ellipse([x - 16, y - 16, x + 16, y + 16], fill=255)
        pens["h"].ellipse([x - 9, y - 9, x + 9, y + 9], fill=255)
    layers = [gaussian_filter(np.asarray(image) / 255.0, 0.6) for image in (etched, printed, gold, holes)]
    return layers[0], layers[1], layers[2], layers[3]
