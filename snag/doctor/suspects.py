"""Suspects: "good" pictures that do not look like the other good ones, found without any training.

Pictures as the network would see them, exposure taken out and aligned where that is possible, are split into folds. Each fold
is described by the mean and the main directions of variation of the others, so that no picture explains itself; what is left
over is compared, place by place, with what is left over of the others. A defect among the good ones is left over in one place.
It is the oldest of detectors (Turk and Pentland, Journal of Cognitive Neuroscience 3(1), 1991), cross-fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

#: Main directions of variation that count as usual.
RANK: Final = 30
FOLDS: Final = 5
#: Side of the window over which what is left over is averaged, in pixels of the prepared picture.
WINDOW: Final = 5
#: A picture is suspected when its oddity lies so many robust deviations over the usual one, on a logarithmic scale.
LIMIT: Final = 3.0


@dataclass(frozen=True)
class Oddity:
    """How far one picture is from the others."""

    score: float  #: 0 for the usual picture; over LIMIT: suspected
    place: tuple[int, int]  #: row and column of the prepared picture at which it differs most

    @property
    def is_suspect(self) -> bool:
        """Whether somebody should look at the picture."""
        return self.score > LIMIT


def oddities(prepared: Tensor, seed: int = 0) -> list[Oddity]:
    """Of each of n prepared pictures [n, c, h, w]; needs two pictures for each fold, else all are usual."""
    count, width = prepared.shape[0], prepared.shape[3]
    if count < 2 * FOLDS:
        return [Oddity(0.0, (0, 0))] * count
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    peaks, places = torch.zeros(count), torch.zeros(count, dtype=torch.long)
    for fold in range(FOLDS):
        held_out = order[fold::FOLDS]
        others = order[torch.arange(count) % FOLDS != fold]
        odd = _oddness(prepared[others], prepared[held_out]).flatten(1)
        peaks[held_out], places[held_out] = odd.max(1)
    scores = _robust(peaks.numpy())
    return [
        Oddity(float(score), (int(place) // width, int(place) % width)) for score, place in zip(scores, places, strict=True)
    ]


def _oddness(others: Tensor, held_out: Tensor) -> Tensor:
    """[m, c, h, w], [k, c, h, w] -> [k, h, w]: what is left over, in robust deviations of what is left over of the others."""
    mean = others.mean(0)
    usual = (others - mean).flatten(1)
    directions = torch.linalg.svd(usual, full_matrices=False)[2][: min(RANK, len(others) // 4)]

    def left_over(pictures: Tensor) -> Tensor:
        flat = (pictures - mean).flatten(1)
        rest = (flat - (flat @ directions.T) @ directions).view(pictures.shape).abs().mean(1)
        return functional.avg_pool2d(rest[:, None], WINDOW, 1, WINDOW // 2, count_include_pad=False)[:, 0]

    known = left_over(others)
    middle = known.median(0).values
    deviation = 1.4826 * (known - middle).abs().median(0).values
    # Where the others hardly differ, a speck would count for everything: their usual deviation is added.
    deviation = (deviation.square() + deviation.square().mean()).sqrt().clamp(min=1e-6)
    return (left_over(held_out) - middle) / deviation


def _robust(peaks: np.ndarray) -> np.ndarray:
    """Logarithms of peaks in robust deviations from their median (Iglewicz and Hoaglin, 1993)."""
    logs = np.log(np.maximum(peaks, 1e-6))
    middle = np.median(logs)
    return (logs - middle) / max(1.4826 * float(np.median(np.abs(logs - middle))), 1e-6)
