"""The drawn sets in colour, to judge a detector on: tablets, nuts, cloth, boards, cables, panels, bottles.

Nothing here is shared with the screw's sample but the kit, and nothing at all with the synthetic defects that training draws.
Strengths go from just visible to obvious, and good pictures vary: speckles, tints, folds of light, a tablet's place and turn,
how a nut lies, what is printed on a chip, how strands are packed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter

from snag.samples.board import MISPLACED, board
from snag.samples.bottle import BROKEN, bottle
from snag.samples.cable import SPOILT, cable
from snag.samples.cloth import cloth
from snag.samples.flaws import chip, crack, hole, pulled, scratch, spot, thread, tint
from snag.samples.kit.camera import exposed
from snag.samples.kit.folders import write_drawn
from snag.samples.kit.noise import stream
from snag.samples.kit.shapes import Array, Rng
from snag.samples.nut import nut
from snag.samples.panel import FAULTS, panel
from snag.samples.tablet import tablet

#: Grey levels that one of the channels must differ by for a pixel to count as defective.
VISIBLE: Final = 6.0
#: Where the random numbers of each kind of picture begin; changed, every set would be another.
_TRAIN, _TEST, _FLAWED = 5, 4, 100

#: A picture [SIDE, SIDE, 3] and how much of each pixel is part of it; such a picture, changed; one before and after it was.
Draw = Callable[[Rng], tuple[Array, Array]]
Change = Callable[[Array, Array, Rng], Array]
Flawed = Callable[[Rng], tuple[Array, Array]]


def draw_set(name: str, folder: Path, train: int, good: int, each: int, seed: int) -> None:
    """Draw one of SETS into `folder`: good pictures to train and to test on, `each` of every kind of defect with masks."""
    draw, defects = SETS[name]
    for place, number, count in (("train/good", _TRAIN, train), ("test/good", _TEST, good)):
        for i in range(count):
            rng = stream(seed, number, i)
            write_drawn(folder, place, i, exposed(draw(rng)[0], rng))
    for number, (kind, flawed) in enumerate(defects.items(), _FLAWED):
        for i in range(each):
            rng = stream(seed, number, i)
            clean, changed = flawed(rng)
            mask = gaussian_filter(np.abs(changed - clean).max(2), 1) > VISIBLE
            write_drawn(folder, f"test/{kind}", i, exposed(changed, rng), 255.0 * mask)


def _changed(draw: Draw, change: Change, rng: Rng) -> tuple[Array, Array]:
    clean, part = draw(rng)
    return clean, change(clean.copy(), part, rng)


def _on(draw: Draw, *changes: Change) -> dict[str, Flawed]:
    return {change.__name__: partial(_changed, draw, change) for change in changes}


#: How a good picture is drawn, and each kind of flawed one.
SETS: Final[dict[str, tuple[Draw, dict[str, Flawed]]]] = {
    "tablet": (tablet, _on(tablet, spot, tint, scratch, chip, crack)),
    "nut": (nut, _on(nut, spot, tint, scratch, hole, chip, crack)),
    "cloth": (cloth, _on(cloth, spot, tint, hole, pulled, thread)),
    "board": (board, {**_on(board, spot, scratch), **{flaw.__name__: flaw for flaw in MISPLACED}}),
    "cable": (cable, {flaw.__name__: flaw for flaw in SPOILT}),
    "panel": (panel, {flaw.__name__: flaw for flaw in FAULTS}),
    "bottle": (bottle, {flaw.__name__: flaw for flaw in BROKEN}),
}
