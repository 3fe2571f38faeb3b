"""The cut face of a cable of three wires, always in about the same place, and what goes wrong when it is made and cut.

What is good differs: how the strands of copper lie and shine, each wire's place, the tone of its insulation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from snag.samples.kit.noise import field, strength
from snag.samples.kit.shapes import SIDE, Array, Pose, Rng, disc, laid

_COPPER, _INSIDE, _SHEATH, _TABLE = (
    np.array(colour, dtype=float) for colour in ((196, 118, 70), (44, 28, 20), (168, 166, 160), (18, 18, 22))
)
_INSULATION: Final = np.array([[62.0, 128, 70], [56, 88, 150], [124, 78, 52]])
#: Pixels: of the sheath outside and inside, of a wire and its copper, from the cable's middle to a wire's, and of a strand.
_OUTER, _INNER, _WIRE, _CORE, _AWAY, _STRAND = 216, 192, 86, 60, 98, 8.0


@dataclass(frozen=True)
class Wire:
    """Lengths in pixels, from the cable's middle."""

    y: float
    x: float
    colour: int
    tone: float
    strands: Array  #: [n, 4]: down and right of the wire's middle, radius, tone
    gap: tuple[float, float] = (0.0, 0.0)  #: where its insulation is cut, and half of how far, radians


@dataclass(frozen=True)
class Cable:
    """As it lies; `seed` draws its texture."""

    at: Pose
    wires: tuple[Wire, ...]
    seed: int

    def but(self, which: int, **changes: object) -> Cable:
        """With one of its wires changed."""
        changed = replace(self.wires[which], **changes)  # type: ignore[arg-type]
        return replace(self, wires=(*self.wires[:which], changed, *self.wires[which + 1 :]))


def cable(rng: Rng) -> tuple[Array, Array]:
    """The picture [SIDE, SIDE, 3], and 1 everywhere."""
    return _drawn(_cut(rng)), np.ones((SIDE, SIDE))


def miscoloured(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a wire of the colour of another."""
    good, which = _cut(rng), int(rng.integers(3))
    return _drawn(good), _drawn(good.but(which, colour=(which + int(rng.integers(1, 3))) % 3))


def hollow(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a wire that some or all of its strands are missing of, side by side."""
    good, which = _cut(rng), int(rng.integers(3))
    strands = good.wires[which].strands
    nearest = np.hypot(*(strands[:, :2] - strands[rng.integers(len(strands)), :2]).T).argsort()
    lost = round(strength(rng, 2, len(strands)))
    return _drawn(good), _drawn(good.but(which, strands=strands[nearest[lost:]]))


def cut(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a gap in the insulation of a wire."""
    good, which = _cut(rng), int(rng.integers(3))
    return _drawn(good), _drawn(good.but(which, gap=(rng.uniform(-np.pi, np.pi), 0.5 * strength(rng, 0.12, 1.2))))


def bent(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with strands bent outwards over the insulation."""
    good, which = _cut(rng), int(rng.integers(3))
    strands = good.wires[which].strands.copy()
    angle = rng.uniform(-np.pi, np.pi)
    outermost = (strands[:, 0] * np.sin(angle) + strands[:, 1] * np.cos(angle)).argsort()[-round(strength(rng, 1, 6)) :]
    reach = strength(rng, 12, 40)
    strands[outermost, :2] += reach * np.array([np.sin(angle), np.cos(angle)])
    return _drawn(good), _drawn(good.but(which, strands=strands))


def poked(rng: Rng) -> tuple[Array, Array]:
    """As it was to be, and with a hole in the sheath or in the insulation of a wire."""
    good = _cut(rng)
    angle, one = rng.uniform(-np.pi, np.pi), good.wires[int(rng.integers(3))]
    away = (_OUTER + _INNER) / 2 if rng.random() < 0.5 else (_WIRE + _CORE) / 2
    y, x = (0.0, 0.0) if away > _WIRE else (one.y, one.x)
    picture = _drawn(good)
    hole = _disc(good.at, y + away * np.sin(angle), x + away * np.cos(angle), strength(rng, 4, 11))
    return picture, laid(picture, hole, _INSIDE)


SPOILT: Final = (miscoloured, hollow, cut, bent, poked)


# --- how it is cut and drawn -----------------------------------------------------------------------------------------------


def _cut(rng: Rng) -> Cable:
    """Held nearly straight, each wire nearly in its place, its strands anyhow."""
    at = Pose(SIDE / 2 + rng.uniform(-5, 5), SIDE / 2 + rng.uniform(-5, 5), rng.uniform(-3, 3))
    wires = []
    for colour in range(3):
        angle = np.radians(90 + 120 * colour)
        y, x = _AWAY * np.sin(angle) + rng.uniform(-3, 3), _AWAY * np.cos(angle) + rng.uniform(-3, 3)
        wires.append(Wire(y, x, colour, rng.uniform(0.92, 1.08), _strands(rng)))
    return Cable(at, tuple(wires), int(rng.integers(2**32)))


def _strands(rng: Rng) -> Array:
    """Packed as tightly as round ones can be, at any angle, not quite in order."""
    step, turn = 2.05 * _STRAND, rng.uniform(0, np.pi / 3)
    row, column = (index.ravel().astype(float) for index in np.mgrid[-5:6, -5:6])
    y, x = row * step * np.sqrt(0.75), (column + 0.5 * (row % 2)) * step
    y, x = np.cos(turn) * y - np.sin(turn) * x, np.sin(turn) * y + np.cos(turn) * x
    inside = np.hypot(y, x) < _CORE - 0.7 * _STRAND
    places = np.stack([y, x], 1)[inside] + rng.normal(0, 1.2, (inside.sum(), 2))
    return np.column_stack([places, rng.uniform(0.9, 1.05, inside.sum()) * _STRAND, rng.uniform(0.75, 1.2, inside.sum())])


def _drawn(one: Cable) -> Array:
    rng = np.random.default_rng(one.seed)
    picture = laid(np.ones((SIDE, SIDE, 1)) * _TABLE, _disc(one.at, 0, 0, _OUTER), _SHEATH * rng.uniform(0.96, 1.04))
    picture = laid(picture, _disc(one.at, 0, 0, _INNER), 0.4 * _SHEATH)
    for wire in one.wires:
        v, u = one.at.axes()
        alpha = _disc(one.at, wire.y, wire.x, _WIRE)
        beside = np.abs((np.arctan2(v - wire.y, u - wire.x) - wire.gap[0] + np.pi) % (2 * np.pi) - np.pi)
        alpha = alpha * ((beside - wire.gap[1]) * _WIRE + 0.5).clip(0, 1) if wire.gap[1] else alpha
        picture = laid(picture, alpha, _INSULATION[wire.colour] * wire.tone)
        picture = laid(picture, _disc(one.at, wire.y, wire.x, _CORE), _INSIDE)
    picture = picture * (1 + 0.03 * field(rng, 90))[..., None]
    for wire in one.wires:
        for down, right, radius, tone in wire.strands:
            _add_strand(picture, one.at, (wire.y + down, wire.x + right), radius, tone)
    return picture


def _add_strand(picture: Array, at: Pose, place: tuple[float, float], radius: float, tone: float) -> None:
    """Onto the picture, at a place in the cable's own directions: only what surrounds it needs drawing."""
    sin, cos = np.sin(np.radians(at.turn)), np.cos(np.radians(at.turn))
    y, x = at.y + cos * place[0] + sin * place[1], at.x + cos * place[1] - sin * place[0]
    here = tuple(slice(max(0, int(middle - radius) - 2), int(middle + radius) + 3) for middle in (y, x))
    rows, columns = np.mgrid[here].astype(float)
    away = np.hypot(rows - y, columns - x)
    shade = tone * (1.1 - 0.5 * (away / radius).clip(0, 1) ** 2)
    picture[here] = laid(picture[here], (radius - away + 0.5).clip(0, 1), _COPPER * shade[..., None])


def _disc(at: Pose, y: float, x: float, radius: float) -> Array:
    v, u = at.axes()
    return disc(v - y, u - x, radius)
