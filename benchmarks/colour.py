"""`python -m benchmarks.colour`: sets in colour to judge a detector on, drawn: tablets on cloth, nuts, and cloth alone.

Nothing here is shared with the sample's generator, nor with the synthetic defects that training draws. Strengths go from just
visible to obvious, and good pictures vary: speckles, tints, folds of light, a tablet's place and turn, how a nut lies.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from scipy.ndimage import gaussian_filter, map_coordinates, zoom

from cli.settings import Settings, from_flags, run
from snag.errors import BadConfig

SIDE: Final = 480
#: Grey levels that one of the channels must differ by for a pixel to count as defective.
VISIBLE: Final = 6.0

Array = NDArray[np.float64]
Rng = np.random.Generator


class ColourSettings(Settings):
    """Draw data/tablet, data/nut and data/cloth in MVTec layout, in colour, with defects and their masks."""

    out: Path = Field(Path("data"), description="folder of the data sets")
    train: int = Field(160, ge=1, description="good pictures to train on")
    good: int = Field(40, ge=1, description="good pictures to test on")
    each: int = Field(12, ge=1, description="pictures of each kind of defect")
    seed: int = Field(0, ge=0, description="the same seed draws the same pictures")


def colour(settings: ColourSettings) -> None:
    """Draw them. Raises BadConfig where a folder is there already."""
    folders = {name: settings.out / name for name in SETS}
    if there := [str(folder) for folder in folders.values() if folder.exists()]:
        raise BadConfig(detail=f"{' and '.join(there)} is there already; remove it, or choose another folder with --out")
    for name, (draw, defects) in SETS.items():
        folder = folders[name]
        for place, count in (("train", settings.train), ("test", settings.good)):
            for i in range(count):
                rng = np.random.default_rng([settings.seed, len(place), i])
                _save(_exposed(draw(rng)[0], rng), folder / place / "good" / f"{i:03d}.png")
        for number, (kind, change) in enumerate(defects.items()):
            for i in range(settings.each):
                rng = np.random.default_rng([settings.seed, 100 + number, i])
                clean, part = draw(rng)
                changed = change(clean.copy(), part, rng)
                mask = gaussian_filter(np.abs(changed - clean).max(2), 1) > VISIBLE
                _save(_exposed(changed, rng), folder / "test" / kind / f"{i:03d}.png")
                _save(255.0 * mask, folder / "ground_truth" / kind / f"{i:03d}_mask.png")
        print(folder)


def _save(pixels: Array, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8)).save(path)


def _exposed(picture: Array, rng: Rng) -> Array:
    """Under a lamp that is not quite even, through a camera that is not quite sharp."""
    light = 1 + 0.05 * _field(rng, 3)
    sharp = gaussian_filter(picture * rng.uniform(0.94, 1.06) * light[..., None], (rng.uniform(0.4, 0.8),) * 2 + (0,))
    return sharp + rng.normal(0, 2.0, picture.shape)


def _field(rng: Rng, grain: int) -> Array:
    """Smooth noise of about unit spread, [SIDE, SIDE]; `grain` is how many waves a side has."""
    return zoom(rng.normal(0, 1, (grain + 2, grain + 2)), SIDE / (grain + 2), order=3)


def _distance(rng: Rng, centre: tuple[float, float], stretch: float) -> Array:
    """From `centre` in pixels, in an ellipse's measure at a random angle."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    angle = rng.uniform(0, np.pi)
    u, v = (
        np.cos(angle) * (x - centre[1]) + np.sin(angle) * (y - centre[0]),
        np.cos(angle) * (y - centre[0]) - np.sin(angle) * (x - centre[1]),
    )
    return np.hypot(u / stretch, v * stretch)


def _somewhere(part: Array, rng: Rng) -> tuple[float, float]:
    """A pixel of the part."""
    places = np.argwhere(part > 0.95)
    y, x = places[rng.integers(len(places))]
    return float(y), float(x)


def _strength(rng: Rng, least: float, most: float) -> float:
    return float(np.exp(rng.uniform(np.log(least), np.log(most))))


def _laid(picture: Array, alpha: Array, colours: Array) -> Array:
    return picture + alpha[..., None] * (colours - picture)


# --- what is good ----------------------------------------------------------------------------------------------------------


def cloth(rng: Rng) -> tuple[Array, Array]:
    """Woven of two colours; threads differ in width and tone. The picture [SIDE, SIDE, 3] and 1 everywhere."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    y, x = y + 1.5 * _field(rng, 4) + rng.uniform(0, 12), x + 1.5 * _field(rng, 4) + rng.uniform(0, 12)
    column, row = (x // 12).astype(int), (y // 12).astype(int)
    column, row = column - column.min(), row - row.min()
    above = (column + row) % 2 == 0
    tones = 1 + 0.05 * rng.normal(0, 1, (2, SIDE))
    across = np.array([66, 92, 138]) * (tones[0][row] * (0.55 + 0.45 * np.sin(np.pi * (y % 12) / 12)))[..., None]
    along = np.array([168, 140, 96]) * (tones[1][column] * (0.55 + 0.45 * np.sin(np.pi * (x % 12) / 12)))[..., None]
    fibres = 1 + 0.06 * gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 0.7) / 0.4
    return np.where(above[..., None], across, along) * fibres[..., None], np.ones((SIDE, SIDE))


def tablet(rng: Rng) -> tuple[Array, Array]:
    """A speckled tablet with a groove on plain cloth, nearly in place. The picture, and how much of each pixel is tablet."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    angle = np.radians(rng.uniform(-4, 4))
    dy, dx = y - SIDE / 2 - rng.uniform(-6, 6), x - SIDE / 2 - rng.uniform(-6, 6)
    u, v = np.cos(angle) * dx + np.sin(angle) * dy, np.cos(angle) * dy - np.sin(angle) * dx
    rim = (np.abs(u / 170) ** 2.6 + np.abs(v / 108) ** 2.6) ** (1 / 2.6)
    part = ((1 - rim) * 110 + 0.5).clip(0, 1)
    table = np.array([52, 74, 88]) * (1 + 0.04 * _field(rng, 60))[..., None]
    shade = 1 - 0.35 * rim.clip(0, 1) ** 6 - 0.22 * np.exp(-((u / 5) ** 2)) + 0.06 * v / 108
    body = np.array([214, 188, 150]) * rng.uniform(0.97, 1.03, 3) * shade[..., None]
    specks = gaussian_filter((rng.random((SIDE, SIDE)) < rng.uniform(0.002, 0.004)).astype(float), 1.6) * 16
    body = _laid(body, 0.6 * specks.clip(0, 1), np.array([150.0, 84, 62]))
    return _laid(table, part, body), part


def nut(rng: Rng) -> tuple[Array, Array]:
    """A brown nut on black, lying as it fell, its pale base to any side. The picture, and how much of each pixel is nut."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    turn = rng.uniform(0, 2 * np.pi)
    dy, dx = y - SIDE / 2 - rng.uniform(-8, 8), x - SIDE / 2 - rng.uniform(-8, 8)
    away, angle = np.hypot(dy, dx), np.arctan2(dy, dx) - turn
    reach = rng.uniform(158, 172) * (1 + 0.05 * np.cos(2 * angle) + 0.02 * rng.normal() * np.cos(3 * angle))
    part = ((1 - away / reach) * 110 + 0.5).clip(0, 1)
    waves = sum(rng.uniform(0.3, 1) * np.cos(k * angle + rng.uniform(0, 7)) for k in (17, 23, 31, 41))
    shell = np.array([148, 98, 56]) * (1 + 0.05 * waves + 0.06 * _field(rng, 30))[..., None]
    base = 1 / (1 + np.exp((np.hypot(away * np.cos(angle) - 0.55 * reach, away * np.sin(angle)) - 62) / 5))
    body = _laid(shell, base, np.array([196, 168, 128]) * (1 + 0.05 * _field(rng, 50))[..., None])
    body = body * (1 - 0.5 * (away / reach).clip(0, 1) ** 4)[..., None]
    return _laid(np.full((SIDE, SIDE, 3), 14.0), part, body), part


# --- what is not -----------------------------------------------------------------------------------------------------------


def _spot(picture: Array, part: Array, rng: Rng) -> Array:
    """Dirt, or a drop of something."""
    reach = _strength(rng, 5, 22)
    alpha = part / (1 + np.exp((_distance(rng, _somewhere(part, rng), rng.uniform(1, 1.5)) - reach) / rng.uniform(0.8, 3)))
    return _laid(picture, _strength(rng, 0.15, 0.9) * alpha, rng.uniform(20, 200, 3))


def _tint(picture: Array, part: Array, rng: Rng) -> Array:
    """Discoloured over a large area: as bright as before."""
    reach = rng.uniform(40, 90)
    alpha = part * np.exp(-0.5 * (_distance(rng, _somewhere(part, rng), rng.uniform(1, 1.6)) / (0.6 * reach)) ** 2)
    shift = rng.normal(0, 1, 3)
    shift -= shift.mean()
    return picture + alpha[..., None] * shift / np.abs(shift).max() * _strength(rng, 12, 50)


def _scratch(picture: Array, part: Array, rng: Rng) -> Array:
    """A thin line, a little bent."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    centre, angle = _somewhere(part, rng), rng.uniform(0, np.pi)
    along = np.cos(angle) * (x - centre[1]) + np.sin(angle) * (y - centre[0])
    across = np.cos(angle) * (y - centre[0]) - np.sin(angle) * (x - centre[1]) + rng.uniform(-2e-3, 2e-3) * along**2
    length, width = rng.uniform(25, 90), rng.uniform(0.9, 2.0)
    alpha = part * np.exp(-((across / width) ** 2)) * (np.abs(along) < length)
    return picture + alpha[..., None] * rng.choice([-1, 1]) * _strength(rng, 20, 90)


def _hole(picture: Array, part: Array, rng: Rng) -> Array:
    """Through to what lies below."""
    reach = _strength(rng, 4, 14)
    ragged = _distance(rng, _somewhere(part, rng), rng.uniform(1, 1.4)) + 1.5 * _field(rng, 60)
    return _laid(picture, (reach - ragged + 0.5).clip(0, 1), np.array([30.0, 28, 26]))


def _chip(picture: Array, part: Array, rng: Rng) -> Array:
    """A piece broken off the rim: table where tablet was."""
    rim = np.argwhere((part > 0.3) & (part < 0.7))
    y, x = rim[rng.integers(len(rim))]
    ragged = _distance(rng, (float(y), float(x)), rng.uniform(1, 1.4)) + 1.5 * _field(rng, 60)
    return _laid(picture, part * (_strength(rng, 7, 24) - ragged + 0.5).clip(0, 1), picture[part < 0.01].mean(0))


def _crack(picture: Array, part: Array, rng: Rng) -> Array:
    """A dark line that wanders."""
    y, x = _somewhere(part, rng)
    heading, alpha = rng.uniform(0, 2 * np.pi), np.zeros((SIDE, SIDE))
    for _ in range(int(rng.uniform(40, 130))):
        if 0 <= int(y) < SIDE and 0 <= int(x) < SIDE:
            alpha[int(y), int(x)] = 1
        heading += rng.normal(0, 0.25)
        y, x = y + np.sin(heading), x + np.cos(heading)
    alpha = part * (gaussian_filter(alpha, rng.uniform(0.8, 1.3)) * 4).clip(0, 1)
    return picture * (1 - _strength(rng, 0.15, 0.6) * alpha[..., None])


def _pulled(picture: Array, part: Array, rng: Rng) -> Array:
    """Threads pushed aside, or drawn together."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    centre = _somewhere(part, rng)
    near = np.exp(-0.5 * (_distance(rng, centre, rng.uniform(1, 2)) / rng.uniform(12, 30)) ** 2)
    dy, dx = rng.normal(0, 1, 2) * _strength(rng, 3, 10)
    moved = [map_coordinates(picture[..., c], [y + dy * near, x + dx * near], order=1, mode="nearest") for c in range(3)]
    return np.dstack(moved)


def _thread(picture: Array, part: Array, rng: Rng) -> Array:
    """A stretch of thread in another colour."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    centre = _somewhere(part, rng)
    along, across = (x - centre[1], y - centre[0]) if rng.random() < 0.5 else (y - centre[0], x - centre[1])
    alpha = (np.abs(along) < rng.uniform(20, 80)) * (5.5 - np.abs(across)).clip(0, 1)
    return _laid(picture, _strength(rng, 0.2, 0.8) * alpha, picture * rng.uniform(0.4, 1.7, 3))


Draw = Callable[[Rng], tuple[Array, Array]]
Change = Callable[[Array, Array, Rng], Array]
SETS: Final[dict[str, tuple[Draw, dict[str, Change]]]] = {
    "tablet": (tablet, {"spot": _spot, "tint": _tint, "scratch": _scratch, "chip": _chip, "crack": _crack}),
    "nut": (nut, {"spot": _spot, "tint": _tint, "scratch": _scratch, "hole": _hole, "chip": _chip, "crack": _crack}),
    "cloth": (cloth, {"spot": _spot, "tint": _tint, "hole": _hole, "pulled": _pulled, "thread": _thread}),
}


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: colour(from_flags(ColourSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
