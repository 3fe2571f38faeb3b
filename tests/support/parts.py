"""Small synthetic pictures of a part whose pose is known exactly: a bolt as a formula, so that no turn resamples anything."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor

#: Samples a pixel and direction: the edges are smooth as a camera's.
FINE: Final = 3
BACKGROUND: Final = 170.0


@dataclass(frozen=True)
class Bolt:
    """Where a bolt lies, in pixels from the picture's top left corner, and how it looks. Its head is at negative u."""

    x: float
    y: float
    degrees: float
    length: float
    bright: bool = False  #: brighter than the table, instead of darker
    seed: int = 0  #: of what differs between good bolts: thickness, tone, the thread's phase, stains
    mark: bool = False  #: a defect: a bright blotch on the shank


def cover(bolt: Bolt, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the bolt is, 0 or 1, and its reflectance, at points (x, y)."""
    angle = math.radians(bolt.degrees)
    u = (math.cos(angle) * (x - bolt.x) + math.sin(angle) * (y - bolt.y)) / bolt.length
    v = (math.cos(angle) * (y - bolt.y) - math.sin(angle) * (x - bolt.x)) / bolt.length
    random = np.random.default_rng(bolt.seed)
    phase, thick, tint = random.uniform(0, 2 * math.pi), random.uniform(0.98, 1.02), random.uniform(0.95, 1.05)
    thread = np.where(u > -0.05, 0.012 * np.sin(2 * math.pi * u / 0.08 + phase), 0.0)
    radius = np.where(u < -0.3, 0.16, np.where(u > 0.42, 0.09 - 0.6 * (u - 0.42), 0.085 + thread))
    inside = (np.abs(u) < 0.5) & (np.abs(v) < thick * radius)
    tone = 0.25 + 0.3 * np.exp(-((v / 0.04) ** 2)) + 1.5 * thread + np.where(u < -0.3, 0.08, 0.0)
    dirt = random.uniform(0.2, 2.0)
    for stain in random.uniform((-0.45, -0.08, -0.05), (0.4, 0.08, 0.05), (6, 3)):
        tone = tone + dirt * stain[2] * np.exp(-((u - stain[0]) ** 2 + (v - stain[1]) ** 2) / 0.06**2)
    tone = tint * tone
    if bolt.mark:
        tone = tone + 0.5 * np.exp(-((u + 0.15) ** 2 + (v - 0.02) ** 2) / 0.03**2)
    return inside.astype(np.float32), 1.8 - tone if bolt.bright else tone


def draw_scene(size: tuple[int, int], bolts: list[Bolt], noise_seed: int | None = None) -> Tensor:
    """float32 [1, height, width] on the scale 0..255: a lit table, darker in the corners, with bolts on it."""
    height, width = size
    y = ((np.arange(FINE * height, dtype=np.float32) + 0.5) / FINE)[:, None]
    x = ((np.arange(FINE * width, dtype=np.float32) + 0.5) / FINE)[None, :]
    picture = BACKGROUND * (1 - 0.2 * ((x - width / 2) ** 2 + (y - height / 2) ** 2) / max(height, width) ** 2)
    if any(bolt.bright for bolt in bolts):
        picture = 0.5 * picture
    for bolt in bolts:
        rows, columns = (_around(place, 0.55 * bolt.length, side) for place, side in ((bolt.y, height), (bolt.x, width)))
        inside, tone = cover(bolt, x[:, columns], y[rows])
        picture[rows, columns] *= 1 - inside + inside * tone
    picture = gaussian_filter(picture, 0.7 * FINE, mode="nearest")  # the lens: no detail finer than the pixels
    pixels = picture.reshape(height, FINE, width, FINE).mean((1, 3))
    if noise_seed is not None:
        pixels = pixels + np.random.default_rng(noise_seed).normal(0, 1.0, pixels.shape)
    return torch.from_numpy(pixels.astype(np.float32))[None]


def _around(place: float, reach: float, side: int) -> slice:
    """The samples that lie within `reach` of `place`, all in pixels."""
    return slice(max(0, int(FINE * (place - reach))), max(0, min(FINE * side, int(FINE * (place + reach)) + 1)))


def good_bolt(index: int, size: tuple[int, int], **look: object) -> Bolt:
    """A good bolt anywhere in a picture of `size`, at any angle, wholly inside."""
    random = np.random.default_rng([index, 0xB017])
    length = 0.62 * min(size)
    room = [(side - 1.1 * length) / 2 for side in size]
    y, x = (side / 2 + random.uniform(-r, r) for side, r in zip(size, room, strict=True))
    bolt = Bolt(float(x), float(y), float(random.uniform(0, 360)), length, seed=index)
    return replace(bolt, **look)  # type: ignore[arg-type]


def good_picture(index: int, size: tuple[int, int], **look: object) -> Tensor:
    """float32 [1, height, width], with a camera's noise."""
    return draw_scene(size, [good_bolt(index, size, **look)], noise_seed=index)


def as_bytes(picture: Tensor) -> np.ndarray:
    """[C, H, W] on the scale 0..255 -> uint8 [H, W] or [H, W, 3]."""
    pixels = picture.round().clamp(0, 255).to(torch.uint8).numpy()
    return pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))


def write_data_set(data: Path, count: int, size: tuple[int, int] = (96, 96)) -> Path:
    """`data`/train/good with `count` good pictures; the data folder."""
    folder = data / "train" / "good"
    folder.mkdir(parents=True)
    for index in range(count):
        Image.fromarray(as_bytes(good_picture(index, size))).save(folder / f"{index:03d}.png")
    return data
