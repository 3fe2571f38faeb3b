"""The embedded sample's part: a hexagon-head screw as a height field above the table, and what light makes of it.

Lengths are in units of which SIDE make the picture's side. `u` runs along the screw's axis from head to tip, `v` across it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter, uniform_filter1d

from snag.samples.kit.noise import fog

Field = NDArray[np.float32]

#: The picture's side: a part of 246 units, its middle up to 12 off centre each way, stays inside at any angle.
SIDE: Final = 288.0
#: Half the width of the drawn strip: the flange and what a bent tip needs beside it.
HALF_WIDTH: Final = 46.0
#: Blank strip before the head and behind the tip, so that resampling fades the part out.
MARGIN: Final = 4.0


def _zeros(u: Field, _: Field) -> Field:
    return np.zeros_like(u)


def _ones(u: Field, _: Field) -> Field:
    return np.ones_like(u)


@dataclass(frozen=True)
class Defect:
    """What a defect does to the drawing, each a function of (u, v) arrays: nothing, unless set."""

    #: Sideways displacement of the axis.
    bend: Callable[[Field, Field], Field] = _zeros
    #: Factor on the height of the thread, of (u, angle around the axis in radians).
    thread: Callable[[Field, Field], Field] = _ones
    #: Added to the surface's height.
    relief: Callable[[Field, Field], Field] = _zeros
    #: Factor on the surface's reflectance.
    albedo: Callable[[Field, Field], Field] = _ones


GOOD: Final = Defect()


@dataclass(frozen=True)
class Screw:
    """One screw: nominal dimensions with its own tolerance, its roll and the phase of its thread (both in radians)."""

    head: float
    flat: float
    flange: float
    flange_radius: float
    shank: float
    shank_radius: float
    thread: float
    core_radius: float
    crest: float
    pitch: float
    taper: float
    roll: float
    phase: float
    tone: float
    brush: float

    @property
    def shank_start(self) -> float:
        """Where the flange ends."""
        return self.head + self.flange

    @property
    def thread_start(self) -> float:
        """Where the shank ends."""
        return self.shank_start + self.shank

    @property
    def length(self) -> float:
        """From the head's face to the tip."""
        return self.thread_start + self.thread


def draw_part(rng: np.random.Generator) -> Screw:
    """A screw within its tolerances: 1 % on what is turned, 0.5 % on what is rolled."""

    def turned(nominal: float) -> float:
        return float(nominal * (1 + 0.01 * np.clip(rng.standard_normal(), -2.5, 2.5)))

    return Screw(
        head=turned(25),
        flat=turned(25.5),
        flange=turned(5.5),
        flange_radius=turned(34),
        shank=turned(66),
        shank_radius=turned(13.2),
        thread=turned(144),
        core_radius=turned(10.2),
        crest=turned(5.0),
        pitch=float(13.2 * (1 + 0.005 * np.clip(rng.standard_normal(), -2.5, 2.5))),
        taper=turned(44),
        roll=float(rng.uniform(0, 2 * np.pi)),
        phase=float(rng.uniform(0, 2 * np.pi)),
        tone=float(rng.uniform(0.93, 1.07)),
        brush=float(rng.uniform(0.6, 1.4)),
    )


def strip(part: Screw, step: float) -> tuple[Field, Field]:
    """Coordinates u, v [rows along v, columns along u] of the strip that holds the part, `step` apart."""
    along = np.arange(-MARGIN, part.length + MARGIN, step, dtype=np.float32)
    across = np.arange(-HALF_WIDTH, HALF_WIDTH, step, dtype=np.float32)
    return np.meshgrid(along, across)


def height_field(part: Screw, defect: Defect, u: Field, v: Field) -> tuple[Field, NDArray[np.bool_]]:
    """Height of the visible surface over the axis, 0 beside the part; and where the part is."""
    v = v - defect.bend(u, v)
    solids = (_hexagon(part, u, v), _turned(part, u, v), _threaded(part, defect, u, v))
    height = np.maximum.reduce(solids)
    there = height > 0
    return np.where(there, height + defect.relief(u, v), np.float32(0)), there


def surface(part: Screw, defect: Defect, u: Field, v: Field, angle: float, rng: np.random.Generator) -> tuple[Field, Field]:
    """Brightness and coverage (0..1) of the part in its own coordinates, lying at `angle` under the fixed lamp."""
    height, there = height_field(part, defect, u, v)
    step = float(u[0, 1] - u[0, 0])
    slope_v, slope_u = np.gradient(height, np.float32(step))
    steepness = np.sqrt(1 + slope_u**2 + slope_v**2)
    up = 1 / steepness
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    normal_x, normal_y = -(cos * slope_u - sin * slope_v) * up, -(sin * slope_u + cos * slope_v) * up
    light = _reflected(normal_x, normal_y, up)
    near = uniform_filter(uniform_filter(height, int(7 / step)), int(7 / step))
    open_sky = np.exp(-np.maximum(near - height, 0) * np.float32(0.075))
    grain = _grain(part, u, rng)
    brightness = light * open_sky * (1 + grain) * defect.albedo(u, v) * np.float32(part.tone)
    return np.where(there, brightness, np.float32(0)).astype(np.float32), there.astype(np.float32)


def _hexagon(part: Screw, u: Field, v: Field) -> Field:
    """The head: a hexagonal prism, its far edge chamfered by a cone. A convex solid's height is the least of its faces'."""
    height = np.full_like(v, np.inf)
    for side in range(6):
        facing = part.roll + side * np.pi / 3
        if np.cos(facing) > 0.02:
            height = np.minimum(height, (part.flat - v * np.float32(np.sin(facing))) / np.float32(np.cos(facing)))
    widest = part.flat / np.cos(np.pi / 6) * max(abs(np.sin(part.roll + np.pi / 6 + side * np.pi / 3)) for side in range(6))
    cone = np.clip(0.94 * part.flat + 1.75 * u, 0, None)
    height = np.minimum(height, np.sqrt(np.maximum(cone**2 - v**2, 0)))
    return np.where((u >= 0) & (u < part.head) & (np.abs(v) < widest), height, 0)


def _turned(part: Screw, u: Field, v: Field) -> Field:
    """Flange and shank, with a fillet between them: solids of revolution."""
    edge = np.minimum(u - part.head, part.shank_start - u)
    flange = part.flange_radius - 1.6 * np.clip(1.4 - edge, 0, None)
    flange = np.where((u >= part.head) & (u < part.shank_start), flange, 0)
    fillet = 4.0 * np.exp(-np.clip(u - part.shank_start, 0, None) / 2.2)
    shank = np.where((u >= part.shank_start) & (u < part.thread_start), part.shank_radius + fillet, 0)
    radius = np.maximum(flange, shank)
    return np.sqrt(np.maximum(radius**2 - v**2, 0))


def _threaded(part: Screw, defect: Defect, u: Field, v: Field) -> Field:
    """Thread and point: a helix on a tapering core, each point of it seen under the angle asin(v / half width there)."""
    line = u[:1]
    half = np.where(
        v > 0,
        _thread_radius(part, defect, line, np.full_like(line, np.pi / 2)),
        _thread_radius(part, defect, line, np.full_like(line, -np.pi / 2)),
    )
    sine = np.clip(v / np.maximum(half, 1e-3), -1, 1)
    return _thread_radius(part, defect, u, np.arcsin(sine)) * np.sqrt(1 - sine**2)


def _thread_radius(part: Screw, defect: Defect, u: Field, around: Field) -> Field:
    """Distance of the surface from the axis at `u` and the angle `around` it; 0 off the thread."""
    run = u - part.thread_start
    left = np.clip((part.length - u) / part.taper, 0, 1)
    core = part.core_radius * np.minimum(1, left**0.8) + (part.shank_radius - part.core_radius) * np.exp(
        -np.clip(run, 0, None) / 3
    )
    turn = 2 * np.pi / part.pitch * run - around - part.phase
    tooth = (0.5 + 0.5 * np.cos(turn)) ** 3
    crest = part.crest * np.clip(run / 9, 0, 1) * np.clip(2.4 * left, 0, 1) * defect.thread(u, around)
    return np.where((run >= 0) & (u <= part.length), core + crest * tooth, 0).astype(np.float32)


def _reflected(x: Field, y: Field, z: Field) -> Field:
    """Brightness of a satin metal whose normal is (x, y, z): what it mirrors of a dome with one lamp and of the table."""
    mirror_x, mirror_y, mirror_z = 2 * z * x, 2 * z * y, 2 * z * z - 1
    lamp = (-0.20 * mirror_x - 0.28 * mirror_y + 0.939 * mirror_z).astype(np.float32)
    table = np.clip(-mirror_z, 0, 1)
    return 0.16 + 0.42 * np.exp((lamp - 1) * 11) + 0.22 * np.exp((lamp - 1) * 1.8) + 0.22 * table


def _grain(part: Screw, u: Field, rng: np.random.Generator) -> Field:
    """Marks of drawing (along the shank) and facing (across the head), and the uneven colour of steel; around 0."""
    rows, columns = u.shape
    noise = rng.standard_normal(u.shape, dtype=np.float32)
    drawn = 5.5 * uniform_filter1d(uniform_filter1d(noise, 41, axis=1), 21, axis=1)
    faced = 4.5 * uniform_filter1d(uniform_filter1d(noise, 27, axis=0), 13, axis=0)
    blotches = fog(rng, (rows // 20 + 1, columns // 20 + 1), (rows, columns))
    marks = np.where(u < part.head, faced, drawn)
    return 0.09 * part.brush * marks + 0.06 * blotches + 0.05 * noise
