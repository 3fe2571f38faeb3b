"""SSIM's Gaussian window slid over pictures, and the gradient's way back."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import torch
from torch import Tensor

#: SSIM's window: side in pixels, sigma.
SIDE: Final = 11
SIGMA: Final = 1.5
#: Places that a product with a band matrix gives at a time: of more, most of the matrix would be zeros.
BLOCK: Final = 32


def local_mean(pictures: Tensor) -> Tensor:
    """Weighed means of [N, C, h, w] under the window, wherever it lies inside: [N, C, h - 10, w - 10].

    The window slides as products with small band matrices, along rows and then along columns: on a CPU, forward and back, that
    is faster than the convolutions with one channel each that pytorch-msssim makes of it, which took half of the training.
    `benchmarks.ssim` prints by how much. Gradients have none.
    """
    means: Tensor = _Sliding.apply(pictures)
    return means


class _Sliding(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pictures: Tensor) -> Tensor:
        count, channels, height, width = ctx.shape = pictures.shape
        band = _band(pictures.device, pictures.dtype)
        rows = pictures.reshape(-1, width)
        along = pictures.new_empty(len(rows), width - SIDE + 1)
        for first, number in _blocks(width):
            torch.mm(_from(rows, first, number), band[: number + SIDE - 1, :number], out=along[:, first : first + number])
        along = along.view(count * channels, height, -1)
        means = pictures.new_empty(count * channels, height - SIDE + 1, along.shape[2])
        for first, number in _blocks(height):
            window = band[: number + SIDE - 1, :number].t().expand(len(along), -1, -1)
            torch.bmm(window, _from(along, first, number), out=means[:, first : first + number])
        return means.view(count, channels, *means.shape[1:])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        count, channels, height, width = ctx.shape
        (gradient,) = gradients
        band = _band(gradient.device, gradient.dtype)
        gradient = gradient.reshape(count * channels, height - SIDE + 1, width - SIDE + 1)
        along = gradient.new_zeros(len(gradient), height, width - SIDE + 1)
        for first, number in _blocks(height):
            window = band[: number + SIDE - 1, :number].expand(len(along), -1, -1)
            _from(along, first, number).baddbmm_(window, gradient[:, first : first + number])
        along = along.view(-1, width - SIDE + 1)
        back = gradient.new_zeros(len(along), width)
        for first, number in _blocks(width):
            _from(back, first, number).addmm_(along[:, first : first + number], band[: number + SIDE - 1, :number].t())
        return back.view(count, channels, height, width)


def _blocks(length: int) -> list[tuple[int, int]]:
    """First place and number of the blocks of places along a side of `length` pixels."""
    places = length - SIDE + 1
    return [(first, min(BLOCK, places - first)) for first in range(0, places, BLOCK)]


def _from(values: Tensor, first: int, number: int) -> Tensor:
    """What the windows at `number` places from `first` cover."""
    return values.narrow(1, first, number + SIDE - 1)


@cache
def _band(device: torch.device, dtype: torch.dtype) -> Tensor:
    """[BLOCK + 10, BLOCK]: the window at each place of a block, one place a column."""
    distance = torch.arange(SIDE, dtype=torch.float64) - SIDE // 2
    window = torch.exp(-(distance**2) / (2.0 * SIGMA**2))
    band = torch.zeros(BLOCK + SIDE - 1, BLOCK, dtype=torch.float64)
    for offset, share in enumerate((window / window.sum()).tolist()):
        band.diagonal(-offset).fill_(share)
    return band.to(device, dtype)
