"""`python -m benchmarks.colour`: drawn sets in colour to judge a detector on: tablets, nuts, cloth, boards, cables, panels.

Nothing here is shared with the sample's generator, nor with the synthetic defects that training draws. Strengths go from just
visible to obvious, and good pictures vary: speckles, tints, folds of light, a tablet's place and turn, how a nut lies, what is
printed on a chip, how strands are packed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Literal

import numpy as np
from PIL import Image
from pydantic import Field
from scipy.ndimage import gaussian_filter

from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadConfig
from snag.samples.board import MISPLACED, board
from snag.samples.cable import SPOILT, cable
from snag.samples.drawing import Array, Rng, field
from snag.samples.flaws import chip, crack, hole, pulled, scratch, spot, thread, tint
from snag.samples.panel import FAULTS, panel
from snag.samples.parts import cloth, nut, tablet
from snag.training.data.folders import whole_folder

#: Grey levels that one of the channels must differ by for a pixel to count as defective.
VISIBLE: Final = 6.0

#: A picture [SIDE, SIDE, 3] and how much of each pixel is part of it; such a picture, changed; one before and after it was.
Draw = Callable[[Rng], tuple[Array, Array]]
Change = Callable[[Array, Array, Rng], Array]
Flawed = Callable[[Rng], tuple[Array, Array]]


class ColourSettings(Settings):
    """Draw data/tablet, nut, cloth, board, cable and panel in MVTec layout, in colour, with defects and their masks."""

    out: Path = Field(Path("data"), description="folder of the data sets")
    sets: list[Literal["tablet", "nut", "cloth", "board", "cable", "panel"]] = Field(
        ["tablet", "nut", "cloth", "board", "cable", "panel"], min_length=1, description="which of them, as in tablet,board"
    )
    train: int = Field(160, ge=1, description="good pictures to train on")
    good: int = Field(40, ge=1, description="good pictures to test on")
    each: int = Field(12, ge=1, description="pictures of each kind of defect")
    seed: int = Field(0, ge=0, description="the same seed draws the same pictures")


def colour(settings: ColourSettings) -> None:
    """Draw them. Raises BadConfig where a folder is there already."""
    folders = {name: settings.out / name for name in settings.sets}
    if there := [str(folder) for folder in folders.values() if folder.exists()]:
        raise BadConfig(detail=f"{' and '.join(there)} is there already; remove it, or choose another folder with --out")
    for name, folder in folders.items():
        with whole_folder(folder) as whole:
            _draw(name, whole, settings)
        print(folder)


def _draw(name: str, folder: Path, settings: ColourSettings) -> None:
    draw, defects = SETS[name]
    for place, count in (("train", settings.train), ("test", settings.good)):
        for i in range(count):
            rng = np.random.default_rng([settings.seed, len(place), i])
            _save(_exposed(draw(rng)[0], rng), folder / place / "good" / f"{i:03d}.png")
    for number, (kind, flawed) in enumerate(defects.items()):
        for i in range(settings.each):
            rng = np.random.default_rng([settings.seed, 100 + number, i])
            clean, changed = flawed(rng)
            mask = gaussian_filter(np.abs(changed - clean).max(2), 1) > VISIBLE
            _save(_exposed(changed, rng), folder / "test" / kind / f"{i:03d}.png")
            _save(255.0 * mask, folder / "ground_truth" / kind / f"{i:03d}_mask.png")


def _save(pixels: Array, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8)).save(path)


def _exposed(picture: Array, rng: Rng) -> Array:
    """Under a lamp that is not quite even, through a camera that is not quite sharp."""
    light = 1 + 0.05 * field(rng, 3)
    sharp = gaussian_filter(picture * rng.uniform(0.94, 1.06) * light[..., None], (rng.uniform(0.4, 0.8),) * 2 + (0,))
    return sharp + rng.normal(0, 2.0, picture.shape)


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
}


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: colour(from_flags(ColourSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
