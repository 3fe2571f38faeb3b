"""Tensor arithmetic of the anomaly score: pure, scriptable, [N, ...] in, [N, ...] out. What is scripted is what is tested."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def reconstruction_error(prepared: Tensor, reconstruction: Tensor) -> Tensor:
    """Squared error, mean over the channels: [N, C, h, w] twice -> [N, h, w]."""
    return (prepared - reconstruction).square().mean(1)


def local_mean(values: Tensor, side: int) -> Tensor:
    """Mean over a window of `side` x `side` (odd) pixels, at the border over what lies inside: [N, h, w] -> [N, h, w].

    Shifted maps are added up, first down, then across: for 9 x 9 a tenth of what pooling takes.
    """
    height, width, reach = values.shape[1], values.shape[2], side // 2
    padded = functional.pad(values, [reach, reach, reach, reach])
    down = padded[:, :height]
    for row in range(1, side):
        down = down + padded[:, row : row + height]
    total = down[..., :width]
    for column in range(1, side):
        total = total + down[..., column : column + width]
    return total / (_inside(height, reach)[:, None] * _inside(width, reach)).to(values)


def _inside(count: int, reach: int) -> Tensor:
    """How many of the places up to `reach` before and after each of `count` are among them."""
    place = torch.arange(count)
    return (place + reach).clamp(max=count - 1) - (place - reach).clamp(min=0) + 1


def standardised(values: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """How far from the good parts' mean at this place, in their standard deviations: [N, h, w], [h, w], [h, w] -> [N, h, w]."""
    return (values - mean) / deviation


def peak(values: Tensor) -> Tensor:
    """The greatest value of each map: [N, h, w] -> [N]."""
    return values.flatten(1).amax(1)
