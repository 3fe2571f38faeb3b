"""For every mode, pictures that ask for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PIL import Image
from torch import Tensor

from tests.support.discs import disc, place
from tests.support.parts import as_bytes, good_picture
from tests.support.preparations import random_picture
from tests.support.scenes import play, scene

SIDE: Final = 64
SIZE: Final = (SIDE, SIDE)
#: Fewer leave nothing to learn from, once some are kept for calibration.
COUNT: Final = 20
_MOVES: Final = play(COUNT)

#: By mode: the good picture of a number below COUNT, [C, H, W] in 0..255.
ASKING: Final[dict[str, Callable[[int], Tensor]]] = {
    "oriented_crop": lambda number: good_picture(number, SIZE),
    "scene": lambda number: scene(SIZE, _MOVES[number], seed=number),
    "centred_crop": lambda number: disc(place(number), number, side=SIDE),
    "full_frame": lambda number: random_picture(*SIZE, seed=number),
}


def draw_asking(mode: str, data: Path) -> Path:
    """`data` with COUNT good pictures to train on, two good ones to test, and two of them with a stain; the folder."""
    for number in range(COUNT):
        _save(data / f"train/good/{number:03d}.png", ASKING[mode](number))
    for number in range(2):
        _save(data / f"test/good/{number:03d}.png", ASKING[mode](number))
        stained = ASKING[mode](number).clone()
        stained[:, SIDE // 2 - 4 : SIDE // 2 + 4, SIDE // 2 - 4 : SIDE // 2 + 4] = 255.0
        _save(data / f"test/stain/{number:03d}.png", stained)
    return data


def _save(path: Path, picture: Tensor) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(as_bytes(picture)).save(path)
