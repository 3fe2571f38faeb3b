"""Synthetic defects on good pictures: what the autoencoder learns to repair and the weight network to find.

Shapes times fills, each drawn over a wide range and down to just noticeable (JNLD, 2022), so that no setting fits one data set:
patches of other good parts (CutPaste, Li et al., CVPR 2021; NSA, Schlüter et al., ECCV 2022), tones with machining streaks,
warps of what is there, smears, missing material, soft shades; in colour pictures every other tone is a hue. A pixel counts as
defective where it visibly changed (NSA's steep label).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter, uniform_filter1d

from snag.training.augment.canvas import VISIBLE, Array, Canvas, box_around
from snag.training.augment.defect_fills import Site, missing
from snag.training.augment.defect_shapes import log_uniform
from snag.training.augment.defect_style import LINES, DefectStyle
from snag.training.augment.variation import Variation

#: Share of pictures that get defects; the rest stay good, so that "nothing wrong" is an answer too.
DEFECTIVE_SHARE: Final = 0.85
#: How many a part gets, each as likely: one as often as more, since real ones mostly come alone.
_NUMBERS: Final = (1, 1, 2, 3)
#: Reaches in pixels of a picture of 100,000: from what 3 x 3 pixels still show to nearly a quarter of its side across.
_REACHES: Final = (3, 36)
#: Reaches of a thing that is given another material: from a small part on a board to most of the board.
_THINGS: Final = (16, 120)
#: What differs from the tone at the centre by less than this belongs to the thing, from an even plate to a shaded one.
_ALIKE: Final = (0.03, 0.12)
#: How much of the good picture the faintest leave to be seen: three quarters.
_THIN: Final = 0.25
#: A change on a surface counts where it is this many times its grain, averaged over 3 x 3 ...
GRAINS: Final = 3.0
#: ... or less where it is so over more pixels, in which grain averages out: sides of the squares.
SIDES: Final = (3, 9, 27)


def add_defects(
    clean: Array,
    where: Array,
    random: Generator,
    style: DefectStyle,
    *,
    background: float | Array | None,
    variation: Variation | None,
) -> tuple[Array, Array]:
    """Corrupt pictures [N, C, h, w] (float32, left as they are); `where` [h, w] weighs the places.

    `background` is the grey value around a part, or that of each channel [C, 1, 1], or None; `variation` what good pictures
    differ by anyway, None if it is not known. Returns the corrupted pictures and masks [N, h, w], 0 or 1.
    """
    usual = variation if style.hidden_by_variation and variation else Variation()
    corrupted, shades = clean.copy(), np.zeros_like(clean)
    shaded = np.zeros(clean[:, 0].shape, dtype=bool)
    places = np.cumsum(where.ravel().astype(np.float64))
    for i in range(len(clean)):
        if random.random() > DEFECTIVE_SHARE:
            continue
        canvas = Canvas(corrupted[i], shades[i], shaded[i])
        for number in range(random.choice(_NUMBERS) * style.crowd):
            spot = int(np.searchsorted(places, random.random() * places[-1]))
            other = clean[random.integers(len(clean))]
            centre = (spot // where.shape[1], spot % where.shape[1])
            if style.material_share and number == 0 and random.random() < style.material_share:
                change_material(canvas, other, centre, random)
            elif random.random() < style.shade_share:
                style.shade(canvas, centre, random, usual)
            else:
                add_defect(canvas, other, centre, random, style, background)
    visible = _visible(np.abs(corrupted - clean).max(1), usual.fine)
    return corrupted + shades, (visible | shaded).astype(np.float32)


def add_defect(
    canvas: Canvas,
    other: Array,
    centre: tuple[int, int],
    random: Generator,
    style: DefectStyle,
    background: float | Array | None,
) -> None:
    """One shape with one fill around `centre`; `other` is another good picture [C, h, w]."""
    reach = float(log_uniform(*_REACHES, random)) * canvas.scale
    box = box_around(canvas.picture, centre, int(np.ceil(1.5 * reach)) + 3)
    shape = style.shapes[random.integers(len(style.shapes))]
    alpha = shape(box.y, box.x, reach, random)
    if not style.opaque_share or random.random() >= style.opaque_share:
        alpha = alpha * log_uniform(_THIN, 1.0, random)
    if style.line_fills and shape in LINES:
        fills = style.line_fills
    else:
        fills = style.fills if len(box.pixels) == 1 else (*style.fills, *style.colour_fills)
        fills = fills if background is None else (*fills, missing)
    fill = fills[random.integers(len(fills))]
    filled = fill(Site(box.pixels, box.corner, other, background), random)
    box.pixels[:] += (alpha * (filled - box.pixels)).astype(np.float32)


def change_material(canvas: Canvas, other: Array, centre: tuple[int, int], random: Generator) -> None:
    """Give what is of one tone around `centre` the tone of another place: the right shape, swapped.

    Nothing near it looks wrong. Only who knows what belongs where can tell.
    """
    reach = float(log_uniform(*_THINGS, random)) * canvas.scale
    box = box_around(canvas.picture, centre, int(np.ceil(reach)) + 3)
    smooth = gaussian_filter(box.pixels, (0, 0.8, 0.8))  # so that a camera's noise leaves no holes
    tone = smooth[:, box.y[:, 0] == 0, :][:, :, box.x[0] == 0]
    unlike = np.abs(smooth - tone).max(0) / log_uniform(*_ALIKE, random)
    alpha = np.clip(2.0 - unlike, 0, 1) * np.clip(0.5 + reach - np.hypot(box.y, box.x), 0, 1)
    place = random.integers(other.shape[1]), random.integers(other.shape[2])
    opacity = random.uniform(0.4, 1.0)  # less would often be no more than another lamp's light
    box.pixels[:] += (alpha * opacity * (other[:, place[0], place[1], None, None] - tone)).astype(np.float32)


def _visible(change: Array, grain: float) -> Array:
    """Which pixels of changes [N, h, w] stand out by themselves and, over some square, of a grain of this usual size."""
    visible: Array = _averaged(change, 3) > VISIBLE
    if grain > 0:
        visible &= np.logical_or.reduce([_averaged(change, side) > 3 * GRAINS * grain / side for side in SIDES])
    return visible


def _averaged(change: Array, side: int) -> Array:
    """[N, h, w], each the mean of `side` x `side`."""
    return uniform_filter1d(uniform_filter1d(change, side, axis=1), side, axis=2)
