"""Synthetic defects on good pictures: what the autoencoder learns to repair and the weight network to find.

Shapes times fills, each drawn over a wide range and down to just noticeable (JNLD, 2022), so that no setting fits one data set:
patches of other good parts (CutPaste, Li et al., CVPR 2021; NSA, Schlüter et al., ECCV 2022), tones with machining streaks,
warps of what is there, smears, missing material, soft shades; in colour pictures every other tone is a hue. A pixel counts as
defective where it visibly changed (NSA's steep label).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter, uniform_filter1d

from snag.training.augment.defect_fills import FILLS, THIN, hue, missing, recolour
from snag.training.augment.defect_shapes import SHAPES, Array, crack, scratch, stripe, turned
from snag.training.augment.variation import Variation

#: Share of pictures that get defects; the rest stay good, so that "nothing wrong" is an answer too.
DEFECTIVE_SHARE: Final = 0.85
#: A pixel is defective where the change, averaged over 3 x 3, exceeds this (prepared grey values; about 3 of 255 levels) ...
VISIBLE: Final = 0.015
#: ... and on a surface this many times its grain; or less where it is so over more pixels, in which grain averages out.
GRAINS: Final = 3.0
#: Sides of the squares, in pixels, in which a change may stand out of the grain.
SIDES: Final = (3, 9, 27)
#: Share of defects that are large soft shades.
SHADES: Final = 0.08
#: A soft shade on a surface is at least this many times what good pictures differ by: what is fainter is one of them.
COARSES: Final = 2.5
#: Share of pictures of a scene in which one thing is of another material.
MATERIALS: Final = 0.5
#: A soft shade on a surface counts as defective down to this share of its strength.
SHADE_EDGE: Final = 0.35


@dataclass(frozen=True)
class Surface:
    """How defects are drawn on whole pictures of a surface, where nothing has a place of its own.

    Many: a network that can't learn where what belongs learns from the number of defects that it has seen, and at one a picture
    it saw too few to tell a scratch from a grinding mark. Half of them plain: without those nothing is learnt of the faint.
    Cracks and scratches get tones alone: a strip of good surface one pixel wide nobody sees. Stripes are for what is woven.
    """

    usual: Variation  #: what good pictures differ by anyway is no defect
    crowd: int = 6  #: times as many in a picture
    plain: float = 0.5  #: share of opaque ones
    materials: float = 0.0  #: share of pictures in which a thing is of another material; where things have their places


def add_defects(
    clean: Array, where: Array, random: Generator, background: float | Array | None, surface: Surface | None = None
) -> tuple[Array, Array]:
    """Corrupt pictures [N, C, h, w] (float32, left as they are); `where` [h, w] weighs the places.

    `background` is the grey value around a part, or that of each channel [C, 1, 1], or None; `surface` is given where the part
    has no one pose.
    Returns the corrupted pictures and masks [N, h, w], 0 or 1.
    """
    shaded, corrupted = np.zeros_like(clean), clean.copy()
    soft = np.zeros(clean[:, 0].shape, dtype=bool)
    places = np.cumsum(where.ravel().astype(np.float64))
    for i in range(len(clean)):
        if random.random() > DEFECTIVE_SHARE:
            continue
        count = random.choice((1, 1, 2, 3)) * (surface.crowd if surface else 1)
        for number in range(count):
            spot = int(np.searchsorted(places, random.random() * places[-1]))
            other = clean[random.integers(len(clean))]
            centre = (spot // where.shape[1], spot % where.shape[1])
            if surface and surface.materials and number == 0 and random.random() < surface.materials:
                _of_another_material(corrupted[i], other, centre, random)
            elif surface is None:
                _one_defect(corrupted[i], other, centre, random, background)
            elif random.random() < SHADES:
                shade, edge = _shade(soft[i].shape, centre, random, surface.usual)
                shaded[i] += hue(len(clean[i]), random) * shade
                soft[i] |= np.abs(shade) > max(VISIBLE, edge)
            else:
                _on_surface(corrupted[i], other, centre, random, surface.plain, background)
    change = np.abs(corrupted - clean).max(1)
    visible = _averaged(change, 3) > VISIBLE
    if surface:
        stands_out = [_averaged(change, side) > 3 * GRAINS * surface.usual.fine / side for side in SIDES]
        visible &= np.logical_or.reduce(stands_out)
    return corrupted + shaded, (visible | soft).astype(np.float32)


def _averaged(change: Array, side: int) -> Array:
    """[N, h, w], each the mean of `side` x `side`."""
    return uniform_filter1d(uniform_filter1d(change, side, axis=1), side, axis=2)


def _unit(height: int, width: int) -> float:
    """Sizes of defects are for pictures of 100,000 pixels; the factor for others."""
    return float(np.sqrt(height * width)) / 320.0


def _shade(shape: tuple[int, ...], centre: tuple[int, int], random: Generator, usual: Variation) -> tuple[Array, float]:
    """A large soft spot, lighter or darker by more than good pictures are anyway: what is added, and where it ends to count."""
    height, width = shape
    reach = float(np.exp(random.uniform(np.log(30), np.log(200)))) * _unit(height, width)
    y = np.arange(height, dtype=np.float32)[:, None] - centre[0]
    x = np.arange(width, dtype=np.float32)[None, :] - centre[1]
    v, u = turned(y, x, random)
    aspect = np.exp(random.uniform(0.0, np.log(3.0)))
    least = max(0.03, COARSES * usual.coarse)
    strength = float(np.exp(random.uniform(np.log(least), np.log(max(0.3, 2.0 * least)))))
    alpha = np.exp(-0.5 * ((v * aspect) ** 2 + u * u) / (0.45 * reach) ** 2)
    return (random.choice((-1, 1)) * strength * alpha).astype(np.float32), SHADE_EDGE * strength


def _on_surface(
    picture: Array, other: Array, centre: tuple[int, int], random: Generator, plain: float, background: float | Array | None
) -> None:
    """Change `picture` [C, h, w] of a surface in place around `centre`."""
    reach = float(np.exp(random.uniform(np.log(3), np.log(36)))) * _unit(*picture.shape[1:])
    box, corner, y, x = _box(picture, centre, int(np.ceil(1.5 * reach)) + 3)
    shapes = [*SHAPES, crack, stripe]
    shape = shapes[random.integers(len(shapes))]
    alpha = shape(y, x, reach, random)
    if random.random() >= plain:
        alpha = alpha * np.exp(random.uniform(np.log(0.25), 0.0))
    fills = FILLS if len(picture) == 1 else [*FILLS, recolour]
    fills = fills if background is None else [*fills, missing]
    fill = THIN[random.integers(len(THIN))] if shape in (scratch, crack) else fills[random.integers(len(fills))]
    box += (alpha * (fill(box, other, corner, random, background) - box)).astype(np.float32)


def _of_another_material(picture: Array, other: Array, centre: tuple[int, int], random: Generator) -> None:
    """Give what is of one tone around `centre` of `picture` [C, h, w] the tone of another place: the right shape, swapped.

    Nothing near it looks wrong. Only who knows what belongs where can tell.
    """
    reach = float(np.exp(random.uniform(np.log(16), np.log(120)))) * _unit(*picture.shape[1:])
    box, _, y, x = _box(picture, centre, int(np.ceil(reach)) + 3)
    smooth = gaussian_filter(box, (0, 0.8, 0.8))
    tone = smooth[:, y[:, 0] == 0, :][:, :, x[0] == 0]
    unlike = np.abs(smooth - tone).max(0) / np.exp(random.uniform(np.log(0.03), np.log(0.12)))
    alpha = np.clip(2.0 - unlike, 0, 1) * np.clip(0.5 + reach - np.hypot(y, x), 0, 1)
    place = random.integers(other.shape[1]), random.integers(other.shape[2])
    box += (alpha * random.uniform(0.4, 1.0) * (other[:, place[0], place[1], None, None] - tone)).astype(np.float32)


def _one_defect(
    picture: Array, other: Array, centre: tuple[int, int], random: Generator, background: float | Array | None
) -> None:
    """Change `picture` [C, h, w] in place around `centre`."""
    unit = _unit(*picture.shape[1:])
    is_shade = random.random() < SHADES
    reach = float(np.exp(random.uniform(np.log(30 if is_shade else 3), np.log(110 if is_shade else 36)))) * unit
    box, corner, y, x = _box(picture, centre, int(np.ceil(reach * (1.0 if is_shade else 1.5))) + 3)
    if is_shade:
        alpha = np.exp(-0.5 * (x * x + y * y) / (0.45 * reach) ** 2)
        shade = alpha * random.choice((-1, 1)) * np.exp(random.uniform(np.log(0.03), np.log(0.3)))
        box += (hue(len(box), random) * shade).astype(np.float32)
        return
    shape = SHAPES[random.integers(len(SHAPES))]
    alpha = shape(y, x, reach, random)
    alpha = alpha * np.exp(random.uniform(np.log(0.25), 0.0))
    fills = list(FILLS) if background is None else [*FILLS, missing]
    fill = fills[random.integers(len(fills))]
    box += (alpha * (fill(box, other, corner, random, background) - box)).astype(np.float32)


def _box(picture: Array, centre: tuple[int, int], half: int) -> tuple[Array, tuple[int, int], Array, Array]:
    """What of `picture` lies within `half` of `centre`, a view; its corner; and its pixels' distances down and right."""
    top, bottom = max(0, centre[0] - half), min(picture.shape[1], centre[0] + half + 1)
    left, right = max(0, centre[1] - half), min(picture.shape[2], centre[1] + half + 1)
    y = np.arange(top, bottom, dtype=np.float32)[:, None] - centre[0]
    x = np.arange(left, right, dtype=np.float32)[None, :] - centre[1]
    return picture[:, top:bottom, left:right], (top, left), y, x
