"""A component of a board: where it lies, and how it looks there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import map_coordinates

from snag.samples.kit.shapes import SIDE, Array, Pose, Rng, box, disc, laid

PRINT, GOLD, TIN, DARK = (
    np.array(colour, dtype=float) for colour in ((206, 212, 204), (196, 160, 84), (178, 182, 188), (18, 20, 20))
)
_BODIES: Final = {
    "chip": (36, 36, 40),
    "resistor": (44, 42, 48),
    "capacitor": (172, 134, 90),
    "diode": (52, 48, 46),
    "can": (44, 46, 50),
    "header": (208, 202, 184),
}
#: Pixels from one pin of a chip to the next.
PITCH: Final = 16


@dataclass(frozen=True)
class Component:
    """What is soldered on, pixels; its tone is a factor, its lot is printed on it."""

    kind: str
    at: Pose
    height: float
    width: float
    tone: float = 1.0
    lot: str = ""


def soldered(picture: Array, one: Component, rng: Rng) -> Array:
    """With the component on it."""
    if one.kind == "none":
        return picture
    reach = int(0.75 * max(one.height, one.width)) + 20  # nothing of it lies further out: the rest needs no drawing
    top, left = max(0, int(one.at.y) - reach), max(0, int(one.at.x) - reach)
    here = slice(top, min(SIDE, int(one.at.y) + reach)), slice(left, min(SIDE, int(one.at.x) + reach))
    drawn = picture.copy()
    drawn[here] = _on(picture[here], one, *one.at.axes(*here), rng)
    return drawn


def _on(picture: Array, one: Component, v: Array, u: Array, rng: Rng) -> Array:
    """On a piece of the picture, whose pixels lie `v` below and `u` right of the component's middle."""
    body = np.array(_BODIES[one.kind], dtype=float) * one.tone
    shine = rng.uniform(0.85, 1.15, 2)
    if one.kind == "chip":
        for side, bright in zip((-1, 1), shine, strict=True):
            for pin in pins_of(one):
                picture = laid(picture, box(v - side * (one.height / 2 + 4), u - pin, 14, 7), TIN * bright)
        picture = laid(picture, box(v, u, one.height, one.width), body)
        picture = laid(picture, disc(v + one.height / 2 - 13, u + one.width / 2 - 13, 5), body + 45)
        return laid(picture, 0.8 * _text(f"SN 74\n{one.lot}", v, u), PRINT * 0.8)
    picture = laid(picture, box(v, u, one.height, one.width), body)
    if one.kind == "can":
        radius = 0.46 * one.width
        picture = laid(picture, disc(v, u, radius), TIN * one.tone * (1 + 0.1 * u / radius)[..., None])
        picture = laid(picture, disc(v, u, radius) * (0.5 - u - 0.45 * radius).clip(0, 1), DARK * 2)
        return laid(picture, 0.9 * _text(one.lot, v, u), DARK)
    if one.kind == "header":
        for hole in np.linspace(-0.4, 0.4, 6) * one.width:
            picture = laid(picture, box(v, u - hole, 15, 15), DARK)
            picture = laid(picture, box(v, u - hole, 8, 8), GOLD * shine[0])
        return picture
    for side, bright in zip((-1, 1), shine, strict=True):
        picture = laid(picture, box(v, u - side * (one.width / 2 - 4), one.height, 8), TIN * bright)
    if one.kind == "resistor":
        return laid(picture, 0.8 * _text("103", v, u, 0.55), PRINT)
    return laid(picture, box(v, u - 0.22 * one.width, one.height, 5), PRINT * 0.9) if one.kind == "diode" else picture


def pins_of(chip: Component) -> Array:
    """Right of its middle, along each of its long sides."""
    count = int(chip.width // PITCH)
    return (np.arange(count, dtype=np.float64) - (count - 1) / 2) * PITCH


def _text(words: str, v: Array, u: Array, size: float = 1.0) -> Array:
    """Words across the middle, letters about 20 pixels high times `size`."""
    canvas = _letters(words)
    half = canvas.shape[0] / 2, canvas.shape[1] / 2
    return map_coordinates(canvas, [v / size + half[0], u / size + half[1]], order=1, mode="constant")


@cache
def _letters(words: str) -> Array:
    image = Image.new("L", (160, 80))
    ImageDraw.Draw(image).multiline_text(
        (80, 40), words, fill=255, font=ImageFont.load_default(20), anchor="mm", align="center"
    )
    return np.asarray(image) / 255.0
