"""Tensor arithmetic of the anomaly score: pure, scriptable, [N, ...] in, [N, ...] out. What is scripted is what is tested."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def reconstruction_error(prepared: Tensor, reconstruction: Tensor) -> Tensor:
    """Squared error, mean over the channels: [N, C, h, w] twice -> [N, h, w]."""
    return (prepared - reconstruction).square().mean(1)


def local_mean(values: Tensor, side: int) -> Tensor:
    """Mean over a window of `side` x `side` (odd) pixels, at the border over what lies inside: [N, h, w] -> [N, h, w]."""
    return functional.avg_pool2d(values[:, None], side, 1, side // 2, count_include_pad=False)[:, 0]


def standardised(values: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """How far from the good parts' mean at this place, in their standard deviations: [N, h, w], [h, w], [h, w] -> [N, h, w]."""
    return (values - mean) / deviation


def peak(values: Tensor) -> Tensor:
    """The greatest value of each map: [N, h, w] -> [N]."""
    return values.flatten(1).amax(1)
