"""Drawn pictures as files in MVTec's layout: train/good, test/<kind>, ground_truth/<kind>."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def write_drawn(
    folder: Path, place: str, index: int, picture: NDArray, mask: NDArray | None = None, compress_level: int = 6
) -> None:
    """Write the picture `index` of a place as "train/good" or "test/dent", and its mask, where it has one, in ground_truth.

    Both are grey levels 0..255, of any type; `compress_level` is zlib's. The folder as a whole is made atomic by who calls.
    """
    _write(picture, folder / place / f"{index:03d}.png", compress_level)
    if mask is not None:
        _write(mask, folder / "ground_truth" / place.split("/")[-1] / f"{index:03d}_mask.png", compress_level)


def _write(levels: NDArray, path: Path, compress_level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels.clip(0, 255).round().astype(np.uint8)).save(path, compress_level=compress_level)
