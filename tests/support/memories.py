"""A memory without ImageNet: a stand-in for the backbone, pictures for it, and memories that are filled with them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.detector.memory import Memory
from snag.training.augment.symmetry import Symmetry
from snag.training.fit.memory import remember


class Means(nn.Module):
    """Stands in for the backbone: mean and spread of each square of 4, of 8 and of 16, of the first channel."""

    def forward(self, pictures: Tensor) -> list[Tensor]:
        first = pictures[:, :1]
        return [self.of_squares(first, side) for side in (4, 8, 16)]

    def of_squares(self, first: Tensor, side: int) -> Tensor:
        mean = functional.avg_pool2d(first, side, ceil_mode=True)
        spread = (functional.avg_pool2d(first * first, side, ceil_mode=True) - mean * mean).clamp(min=0).sqrt()
        return torch.cat([mean, spread], 1)


def noise(count: int, height: int = 64, width: int = 96, seed: int = 0) -> Tensor:
    """Good pictures as they are prepared, [N, 1, height, width]: noise, and a gradient of its own in each."""
    random = torch.Generator().manual_seed(seed)
    tilt = 0.1 * torch.randn(count, 1, 1, 1, generator=random) * torch.linspace(-1, 1, width)
    return 0.5 + 0.15 * torch.randn(count, 1, height, width, generator=random) + tilt


def filled(good: Tensor, seed: int = 0, allowed: Symmetry | None = None) -> Memory:
    """A memory of Means' features of good pictures."""
    memory = Memory(Means())
    remember(memory, list(good), allowed or Symmetry(), seed)
    return memory
