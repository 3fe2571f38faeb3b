"""SSIM's window slid over pictures, against a plain convolution."""

from __future__ import annotations

import math

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from snag.training.ssim_window import BLOCK, SIDE, SIGMA, local_mean

_SIDES = st.integers(SIDE, 3 * BLOCK)


def pictures(height: int, width: int, channels: int = 1) -> torch.Tensor:
    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(height), dtype=torch.float64)


def convolved(values: torch.Tensor) -> torch.Tensor:
    """Slowly: every pixel under the window times its share."""
    line = torch.tensor([math.exp(-((i - SIDE // 2) ** 2) / (2 * SIGMA**2)) for i in range(SIDE)], dtype=torch.float64)
    window = torch.outer(line, line) / line.sum() ** 2
    channels = values.shape[1]
    return functional.conv2d(values, window.expand(channels, 1, SIDE, SIDE), groups=channels)


@given(_SIDES, _SIDES, st.sampled_from([1, 3]))
def test_it_is_the_convolution_with_the_window(height: int, width: int, channels: int) -> None:
    values = pictures(height, width, channels)

    torch.testing.assert_close(local_mean(values), convolved(values))


@given(_SIDES, _SIDES)
def test_the_gradient_is_that_of_the_convolution(height: int, width: int) -> None:
    values = pictures(height, width).requires_grad_()
    weights = torch.rand(2, 1, height - SIDE + 1, width - SIDE + 1, dtype=torch.float64)

    (found,) = torch.autograd.grad((local_mean(values).square() * weights).sum(), values)
    (expected,) = torch.autograd.grad((convolved(values).square() * weights).sum(), values)

    torch.testing.assert_close(found, expected)


def test_how_pixels_and_gradients_lie_in_memory_has_no_say() -> None:
    values = pictures(40, 50, 3).to(memory_format=torch.channels_last).requires_grad_()
    even = values.detach().contiguous().requires_grad_()

    local_mean(values).to(memory_format=torch.channels_last).square().sum().backward()
    local_mean(even).square().sum().backward()

    assert torch.equal(local_mean(values), local_mean(even))
    torch.testing.assert_close(values.grad, even.grad, rtol=0, atol=0)
