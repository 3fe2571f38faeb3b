"""From a part to its photograph: pose, table, shadow, lens, exposure, sensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, shift

from snag.samples.kit.camera import sensed
from snag.samples.kit.noise import fog
from snag.samples.screw import HALF_WIDTH, MARGIN, SIDE, Defect, Field, Screw, strip, surface

#: The table's brightness before exposure, 0..1.
TABLE: Final = 0.66
#: What the lamp trap multiplies the exposure of defective parts with: most of them brighter than every good one.
LAMP: Final = 1.3


@dataclass(frozen=True)
class ScrewScene:
    """How a part lies and is exposed: `angle` in radians, `across` and `down` from the picture's centre in units."""

    angle: float
    across: float
    down: float
    gain: float
    offset: float
    vignette: float
    shadow: float
    focus: float


@dataclass(frozen=True)
class Laid:
    """A part in its pose, antialiased: brightness times coverage, and coverage 0..1, both [size, size]."""

    metal: Field
    cover: Field


def draw_scene(rng: np.random.Generator, exposure: float) -> ScrewScene:
    """Any angle, any place that keeps the part inside; `exposure` in 0..1 is the place in the range of gains."""
    return ScrewScene(
        angle=float(rng.uniform(0, 2 * np.pi)),
        across=float(rng.uniform(-12, 12)),
        down=float(rng.uniform(-12, 12)),
        gain=0.84 + 0.28 * exposure,
        offset=float(rng.uniform(-0.02, 0.02)),
        vignette=float(rng.uniform(0.10, 0.20)),
        shadow=float(rng.uniform(0.55, 0.75)),
        focus=float(rng.uniform(0.35, 0.60)),
    )


def lay(part: Screw, defect: Defect, scene: ScrewScene, size: int, rng: np.random.Generator) -> Laid:
    """Draw the part at twice the resolution, turn it into its pose, halve. `rng` draws the metal's grain."""
    step = SIDE / (2 * size)
    u, v = strip(part, step)
    metal, cover = surface(part, defect, u, v, scene.angle, rng)
    cos, sin = np.cos(scene.angle), np.sin(scene.angle)
    # Half pixels (x, y) of the picture -> column and row of the strip, the part's middle on the scene's place.
    x, y = size + scene.across / step, size + scene.down / step
    column, row = (part.length / 2 + MARGIN) / step, HALF_WIDTH / step
    turn = (cos, sin, column - cos * x - sin * y, -sin, cos, row + sin * x - cos * y)

    def pose(field: Field) -> Field:
        turned = Image.fromarray(field).transform((2 * size, 2 * size), Image.Transform.AFFINE, turn, Image.Resampling.BILINEAR)
        return np.asarray(turned.reduce(2))

    return Laid(pose(metal), pose(cover))


def photograph(laid: Laid, shade: Field, scene: ScrewScene, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A grey picture [size, size] of the part; `shade` is the coverage that casts the shadow, `rng` draws table and noise."""
    size = laid.cover.shape[0]
    table = _table(scene, size, rng) * (1 - _shadow(shade, scene))
    light = gaussian_filter(laid.metal + (1 - laid.cover) * table, scene.focus * size / 320, truncate=3)
    return sensed(scene.gain * light + scene.offset, rng)


def _table(scene: ScrewScene, size: int, rng: np.random.Generator) -> Field:
    """Matt white board under a lens that darkens the corners, unevenly lit, with a few specks of dust."""
    line = np.linspace(-1, 1, size, dtype=np.float32)
    x, y = line[None, :], line[:, None]
    centre, slope = rng.uniform(-0.15, 0.15, 2), rng.uniform(-0.03, 0.03, 2)
    falloff = 1 - scene.vignette / 2 * ((x - centre[0]) ** 2 + (y - centre[1]) ** 2)
    table = TABLE * falloff * (1 + slope[0] * x + slope[1] * y)
    for cells, strength in ((7, 0.008), (40, 0.005)):
        table *= 1 + strength * fog(rng, (cells, cells), (size, size))
    for _ in range(rng.poisson(3)):
        place, width, depth = rng.uniform(-1, 1, 2), rng.uniform(0.003, 0.008), rng.uniform(0.03, 0.12)
        speck_x, speck_y = (np.exp(-((axis - at) ** 2) / (2 * width**2)) for axis, at in zip((x, y), place, strict=True))
        table *= 1 - depth * speck_x * speck_y
    return table.astype(np.float32)


def _shadow(cover: Field, scene: ScrewScene) -> Field:
    """Share of the light that the part takes from the table: a narrow shadow of contact in a wide one, away from the lamp."""
    size = cover.shape[0]
    quarter = size / 320 / 4
    small = np.asarray(Image.fromarray(cover).reduce(4))
    wide = shift(gaussian_filter(small, 26 * quarter, mode="nearest"), (8 * quarter, 6 * quarter), order=1, mode="nearest")
    tight = shift(gaussian_filter(small, 6 * quarter, mode="nearest"), (4 * quarter, 3 * quarter), order=1, mode="nearest")
    shadow = Image.fromarray((0.6 * wide + 0.4 * tight).astype(np.float32))
    return np.float32(scene.shadow) * np.asarray(shadow.resize((size, size), Image.Resampling.BICUBIC))
