"""Choosing the preparation from the training pictures: can the parts be aligned, colour or grey, which working size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.alignment import Aligner
from training.fit_alignment import MARGIN, fit_alignment
from training.preparation import AlignedPreparation, WholePreparation
from training.survey import Look

#: Mean distance between the colour channels, in grey levels, above which a data set is in colour.
COLOURED = 3.0
#: Pictures that the aligner is fitted to; more only costs time.
ENOUGH = 200


@dataclass(frozen=True)
class Chosen:
    """A preparation, and why it is this one."""

    module: AlignedPreparation | WholePreparation
    mode: str  #: "aligned" or "whole"
    why: str
    foreground: Tensor  #: [h, w] in 0..1: where a defect can lie


def choose_preparation(looks: Sequence[Look], *, mode: str, colour: str, pixels: int, centre: float, spread: float) -> Chosen:
    """Choose by good pictures. `mode` is auto, aligned or whole; `colour` auto, grey or colour; `pixels` a budget."""
    channels = _channels(looks, colour)
    why = "as asked for"
    if mode != "whole":
        alignment, why = fit_alignment([one.small for one in looks[:: max(1, len(looks) // ENOUGH)]])
        if alignment is not None:
            native = max(max(one.height, one.width) for one in looks)
            height, width = _size(alignment.height * native, alignment.width * native, pixels)
            if height * alignment.width / width < alignment.height - 1.5 * MARGIN:
                height += 16  # rounding may take of the margin, not of the part
            module = AlignedPreparation(alignment.aligner, channels, height, width, alignment.width)
            return Chosen(module, "aligned", why, _where(alignment.aligner, height, width))
        if mode == "aligned":
            why = f"alignment was asked for, but {why}"
    height, width = _size(*_median_size(looks), pixels)
    return Chosen(WholePreparation(channels, height, width, centre, spread), "whole", why, torch.ones(height, width))


def _channels(looks: Sequence[Look], colour: str) -> int:
    if colour != "auto":
        return 3 if colour == "colour" else 1
    return 3 if sum(one.chroma for one in looks) / len(looks) > COLOURED else 1


def _median_size(looks: Sequence[Look]) -> tuple[float, float]:
    """Median height and width, pictures that lie across turned first to how most lie."""
    upright = sum(one.height >= one.width for one in looks) * 2 >= len(looks)
    long = sorted(max(one.height, one.width) for one in looks)[len(looks) // 2]
    short = sorted(min(one.height, one.width) for one in looks)[len(looks) // 2]
    return (long, short) if upright else (short, long)


def _size(height: float, width: float, pixels: int) -> tuple[int, int]:
    """Working height and width: within the budget, no larger than the pictures, multiples of 16."""
    scale = min(1.0, (pixels / (height * width)) ** 0.5)
    return max(32, 16 * round(height * scale / 16)), max(32, 16 * round(width * scale / 16))


def _where(aligner: Aligner, height: int, width: int) -> Tensor:
    """Where the mean part lies, [height, width]: 1 on the part, a little beside it, since burrs and bent tips lie there."""
    depth = aligner.polarity * (1.0 - aligner.mean) / aligner.contrast
    share = ((depth - 0.3) / 0.3).clamp(0.03, 1.0)
    return functional.interpolate(share[None, None], [height, width], mode="bilinear", align_corners=False)[0, 0]
