"""The embedded sample's kinds of defect: each draws one Defect for a part, with a strength of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from snag.samples.screw import Defect, Field, Screw


def scratch(part: Screw, rng: np.random.Generator) -> Defect:
    """A bright, slightly curved score of a tool, on shank or head."""
    u0, v0 = _bare_place(part, rng)
    length, width = rng.uniform(14, 34), rng.uniform(0.55, 1.1)
    heading, curve = rng.uniform(-0.9, 0.9), rng.uniform(-0.006, 0.006)
    strength, depth = rng.uniform(0.3, 1.0), rng.uniform(0.3, 0.8)

    def line(u: Field, v: Field) -> Field:
        along = (u - u0) * np.cos(heading) + (v - v0) * np.sin(heading)
        aside = -(u - u0) * np.sin(heading) + (v - v0) * np.cos(heading) - curve * along**2
        ends = np.clip((length / 2 - np.abs(along)) / 3, 0, 1)
        return (np.exp(-(aside**2) / (2 * width**2)) * ends).astype(np.float32)

    return Defect(albedo=lambda u, v: 1 + strength * line(u, v), relief=lambda u, v: -depth * line(u, v))


def dent(part: Screw, rng: np.random.Generator) -> Defect:
    """A blow: a hollow with a raised rim."""
    u0, v0 = _bare_place(part, rng)
    wide, long = rng.uniform(3.0, 6.5, 2)
    # A hollow shows by its slopes: more of it is needed on the round shank than on the head's mirror-flat faces.
    depth = rng.uniform(1.5, 3.0) if u0 > part.head else rng.uniform(0.8, 1.8)
    lean = rng.uniform(0, np.pi)

    def hollow(u: Field, v: Field) -> Field:
        along = ((u - u0) * np.cos(lean) + (v - v0) * np.sin(lean)) / long
        aside = (-(u - u0) * np.sin(lean) + (v - v0) * np.cos(lean)) / wide
        far = along**2 + aside**2
        return (-depth * (1 - 0.9 * far) * np.exp(-far)).astype(np.float32)

    return Defect(relief=hollow)


def missing_thread(part: Screw, rng: np.random.Generator) -> Defect:
    """One to three turns of the thread crushed or not rolled, on one side or all around."""
    turns, left = rng.uniform(1.0, 2.6), rng.uniform(0.0, 0.3)
    middle = part.thread_start + rng.uniform(22, part.thread - part.taper)
    side, all_around = rng.choice((-0.6, 0.6)), rng.random() < 0.5

    def factor(u: Field, around: Field) -> Field:
        there = _plateau(u - middle, turns * part.pitch / 2, 2.0)
        if not all_around:
            there = there * _plateau(around - side, 1.25, 0.35)
        return (1 - (1 - left) * there).astype(np.float32)

    return Defect(thread=factor)


def bent_tip(part: Screw, rng: np.random.Generator) -> Defect:
    """The point bent aside."""
    length, aside = rng.uniform(28, 54), rng.choice((-1, 1)) * rng.uniform(6.0, 14.0)

    def bend(u: Field, _: Field) -> Field:
        return (aside * np.clip((u - part.length + length) / length, 0, None) ** 2).astype(np.float32)

    return Defect(bend=bend)


def stain(part: Screw, rng: np.random.Generator) -> Defect:
    """Rust or burnt oil: a ragged patch that mirrors less light."""
    u0, v0 = rng.uniform(0.05, 0.8) * part.length, rng.uniform(-0.5, 0.5) * part.shank_radius
    long, wide, depth = rng.uniform(6, 15), rng.uniform(6, 11), rng.uniform(0.35, 0.7)
    waves = rng.standard_normal((14, 2)) * rng.uniform(0.2, 0.7, (14, 1))
    turns = rng.uniform(0, 2 * np.pi, 14)

    def patch(u: Field, v: Field) -> Field:
        inside = 1.0 - ((u - u0) / long) ** 2 - ((v - v0) / wide) ** 2
        for (per_u, per_v), turn in zip(waves, turns, strict=True):
            inside = inside + 0.22 * np.cos(per_u * u + per_v * v + turn)
        return (1 - depth * np.clip(inside / 0.7, 0, 1)).astype(np.float32)

    return Defect(albedo=patch)


def _bare_place(part: Screw, rng: np.random.Generator) -> tuple[float, float]:
    """A place in the lamp's view on shank (mostly) or head."""
    if rng.random() < 0.65:
        return rng.uniform(part.shank_start + 8, part.thread_start - 4), rng.uniform(-0.55, 0.55) * part.shank_radius
    return rng.uniform(0.25, 0.75) * part.head, rng.uniform(-0.65, 0.65) * part.flat


def _plateau(x: Field, half: float, edge: float) -> Field:
    """1 within `half` of 0, falling to 0 over `edge`, smoothly."""
    ramp = np.clip((half + edge - np.abs(x)) / edge, 0, 1).astype(np.float32)
    return ramp * ramp * (3 - 2 * ramp)


#: Name of the folder -> what draws the defect.
DEFECTS: Final[dict[str, Callable[[Screw, np.random.Generator], Defect]]] = {
    "bent_tip": bent_tip,
    "dent": dent,
    "missing_thread": missing_thread,
    "scratch": scratch,
    "stain": stain,
}
