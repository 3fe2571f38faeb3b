"""Taking the exposure out of a picture: the lamp must not decide the verdict. Scriptable tensor functions."""

from __future__ import annotations

import torch
from torch import Tensor


def to_channels(picture: Tensor, channels: int) -> Tensor:
    """[1 or 3, H, W] of any type -> float32 [channels, H, W]; grey by the luma weights of ITU-R BT.601."""
    if picture.shape[0] == channels:
        return picture.to(torch.float32)
    if channels == 1:  # summed up in place: as one expression, the passing results cost six times the sum
        grey = picture[0].to(torch.float32) * 0.299
        return grey.add_(picture[1], alpha=0.587).add_(picture[2], alpha=0.114)[None]
    return picture.to(torch.float32).expand(channels, -1, -1)


def at_limits(values: Tensor, near: float = 5.0) -> tuple[Tensor, Tensor]:
    """Of grey values 0..255: how sure it is that they were cut off below, and above, 0..1 each; of the same shape.

    A cut off value tells only that it was at most so low, or at least so high. Compression moves it away from the limit, but
    by less than `near`. What lies further above 255 comes of a deeper picture, and was not cut off there.
    """
    return (1.0 - values / near).clamp(0.0, 1.0), (1.0 - (255.0 - values).abs() / near).clamp(0.0, 1.0)


def polynomial_terms(y: Tensor, x: Tensor) -> Tensor:
    """The ten monomials up to order three at coordinates in [-1, 1]: [...] twice -> [10, ...].

    One after the other in memory: woven into each other, pixel by pixel, they would take longer than all else here.
    """
    one = torch.ones_like(x)
    return torch.stack([one, x, y, x * x, x * y, y * y, x * x * x, x * x * y, x * y * y, y * y * y])


def grid_terms(height: int, width: int) -> Tensor:
    """`polynomial_terms` at the pixel centres of a picture: [10, height * width]."""
    y = (torch.arange(height, dtype=torch.float32) + 0.5) * (2.0 / height) - 1.0
    x = (torch.arange(width, dtype=torch.float32) + 0.5) * (2.0 / width) - 1.0
    return polynomial_terms(y[:, None].expand(height, width), x[None, :].expand(height, width)).reshape(10, -1)


def background_of(coefficients: Tensor, height: int, width: int) -> Tensor:
    """The polynomial with `coefficients` [10] at the pixel centres of a picture: [height, width].

    Row by column, as a product of powers: the ten terms at each pixel would be ten pictures.
    """
    y = (torch.arange(height, dtype=torch.float32) + 0.5) * (2.0 / height) - 1.0
    x = (torch.arange(width, dtype=torch.float32) + 0.5) * (2.0 / width) - 1.0
    c, none = coefficients, torch.zeros_like(coefficients[0])
    by_y = [
        torch.stack([c[0], c[1], c[3], c[6]]),
        torch.stack([c[2], c[4], c[7], none]),
        torch.stack([c[5], c[8], none, none]),
        torch.stack([c[9], none, none, none]),
    ]
    powers_y, powers_x = torch.stack([y**0, y, y * y, y * y * y], 1), torch.stack([x**0, x, x * x, x * x * x])
    return powers_y @ torch.stack(by_y) @ powers_x


def fit_background(grey: Tensor, rounds: int = 6) -> Tensor:
    """Coefficients [10] of a third-order polynomial through the background of `grey` [h, w].

    Robust by iterated reweighting: what lies further below or above the fit than the usual residual (the part, its shadow,
    dust) loses its say. Equivariant: a gain or an offset on the picture does the same to the fit.
    """
    height, width = grey.shape[0], grey.shape[1]
    terms = grid_terms(height, width)
    values = grey.reshape(-1)
    middle = values.median()
    spread = (values - middle).abs().median() + 1e-6
    weight = ((values - middle).abs() < 4.0 * spread).to(torch.float32)
    ridge = 1e-4 * torch.eye(10)
    coefficients = torch.zeros(10)
    for _ in range(rounds):
        weighted = terms * weight
        normal = weighted @ terms.t() / weight.sum().clamp(min=1.0)
        # The ridge pulls towards a constant, not towards zero: equivariance under an offset needs that.
        ridge_here = ridge.clone()
        ridge_here[0, 0] = 0.0
        right = weighted @ values / weight.sum().clamp(min=1.0)
        coefficients = torch.linalg.solve(normal + ridge_here + 1e-9 * torch.eye(10), right)
        residual = values - coefficients @ terms
        scale = 1.4826 * residual.abs().median() + 1e-6
        weight = 1.0 / (1.0 + (residual / (2.0 * scale)).pow(4))
    return coefficients
