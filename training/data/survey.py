"""A summary of every good picture: what splitting the set and choosing the preparation need to know of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from snag.core.picture import PictureLimits
from snag.detector.aligner import REFINE_SIDE
from snag.detector.exposure import to_channels
from snag.detector.geometry import shrink
from snag.detector.locator import SIDE
from snag.training.data.dataset import LIMITS, read
from snag.training.data.near_duplicates import Cells, cells_of
from snag.training.run.progress import progress

T = TypeVar("T")


@dataclass(frozen=True)
class PictureSummary:
    """What is kept of a picture."""

    small: Tensor  #: [1, h, w] grey 0..255, long side REFINE_SIDE
    tiny: Tensor  #: [1 or 3, h, w] uint8, or float32 of pictures of more than 8 bits; long side SIDE of `snag.detector.locator`
    cells: Cells  #: what near-duplicates are told by
    height: int
    width: int
    chroma: float  #: mean distance between the greatest and the least channel, grey levels
    grain: float  #: -1..1: how much more the grey values change along x than along y


def summarise(picture: Tensor) -> PictureSummary:
    """Of one decoded picture [C, H, W]."""
    grey = to_channels(picture, 1)
    chroma = float((picture.amax(0).float() - picture.amin(0).float()).mean()) if picture.shape[0] == 3 else 0.0
    height, width = picture.shape[1:]
    tiny = shrink(picture, SIDE)
    tiny = tiny.round().to(torch.uint8) if picture.dtype == torch.uint8 else tiny  # 12 bits in 16 would leave 16 levels
    return PictureSummary(shrink(grey, REFINE_SIDE), tiny, cells_of(grey), height, width, chroma, _grain(grey))


def _grain(grey: Tensor) -> float:
    across, down = float(grey.diff(dim=2).abs().sum()), float(grey.diff(dim=1).abs().sum())
    return (across - down) / (across + down) if across + down > 0 else 0.0


def survey(paths: Sequence[Path], limits: PictureLimits = LIMITS) -> list[PictureSummary]:
    """Summarise picture files, in their order. Raises UnreadablePictures."""
    return in_threads(lambda path: summarise(read(path, limits)), paths, "read")


def in_threads(work: Callable[[Path], T], paths: Sequence[Path], what: str) -> list[T]:
    """`work` on each path, in their order: decoders let go of the interpreter's lock, so threads use all cores."""
    threads = torch.get_num_threads()
    # Each worker computes alone: with torch's own threads on top they would only wait for each other.
    try:
        with ThreadPoolExecutor(os.cpu_count(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(progress(pool.map(work, paths), what, "picture", total=len(paths)))
    finally:
        torch.set_num_threads(threads)
