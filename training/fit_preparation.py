"""Choosing the preparation from the training pictures: can the parts be aligned, colour or grey, which working size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from training.alignment import REFINE_SIDE, Aligner, shrink
from training.dataset import read
from training.fit_alignment import fit_alignment
from training.preparation import AlignedPreparation, WholePreparation, to_channels

#: Mean distance between the colour channels, in grey levels, above which a data set is in colour.
COLOURED = 3.0
#: Pictures looked at to choose; more only costs time.
ENOUGH = 200


@dataclass(frozen=True)
class Chosen:
    """A preparation, and why it is this one."""

    module: AlignedPreparation | WholePreparation
    mode: str  #: "aligned" or "whole"
    why: str
    foreground: Tensor  #: [h, w] in 0..1: where a defect can lie


def choose_preparation(paths: Sequence[Path], *, mode: str, colour: str, pixels: int, centre: float, spread: float) -> Chosen:
    """Look at good pictures and choose. `mode` is auto, aligned or whole; `colour` auto, grey or colour; `pixels` a budget."""
    some = [read(path) for path in paths[:: max(1, len(paths) // ENOUGH)]]
    channels = _channels(some, colour)
    native = max(max(picture.shape[1:]) for picture in some)
    why = "asked for"
    if mode != "whole":
        alignment, why = fit_alignment([shrink(to_channels(picture, 1), REFINE_SIDE) for picture in some])
        if alignment is not None:
            height, width = _size(alignment.height * native, alignment.width * native, pixels)
            module = AlignedPreparation(alignment.aligner, channels, height, width, alignment.width)
            return Chosen(module, "aligned", why, _where(alignment.aligner, height, width))
        if mode == "aligned":
            why = f"alignment was asked for, but {why}"
    height, width = _size(*_median_size(some), pixels)
    return Chosen(WholePreparation(channels, height, width, centre, spread), "whole", why, torch.ones(height, width))


def _channels(pictures: Sequence[Tensor], colour: str) -> int:
    if colour != "auto":
        return 3 if colour == "colour" else 1
    spread = [float((p.float().amax(0) - p.float().amin(0)).mean()) for p in pictures if p.shape[0] == 3]
    return 3 if spread and sum(spread) / len(pictures) > COLOURED else 1


def _median_size(pictures: Sequence[Tensor]) -> tuple[float, float]:
    """Median height and width, pictures that lie across turned first to how most lie."""
    upright = sum(p.shape[1] >= p.shape[2] for p in pictures) * 2 >= len(pictures)
    long = sorted(max(p.shape[1:]) for p in pictures)[len(pictures) // 2]
    short = sorted(min(p.shape[1:]) for p in pictures)[len(pictures) // 2]
    return (long, short) if upright else (short, long)


def _size(height: float, width: float, pixels: int) -> tuple[int, int]:
    """Working height and width: within the budget, no larger than the pictures, multiples of 16."""
    scale = min(1.0, (pixels / (height * width)) ** 0.5)
    return max(32, 16 * round(height * scale / 16)), max(32, 16 * round(width * scale / 16))


def _where(aligner: Aligner, height: int, width: int) -> Tensor:
    """Where the mean part lies, [height, width]: 1 on the part, a little beside it, since burrs and bent tips lie there."""
    depth = aligner.polarity * (1.0 - aligner.mean) / aligner.contrast
    share = ((depth - 0.3) / 0.3).clamp(0.03, 1.0)
    return torch.nn.functional.interpolate(share[None, None], [height, width], mode="bilinear", align_corners=False)[0, 0]
