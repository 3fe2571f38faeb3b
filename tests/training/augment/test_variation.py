"""How much good pictures differ: grain and soft light, each without the other's say."""

from __future__ import annotations

import pytest
import torch

from snag.training.augment.variation import variation


def flat(level: float, height: int = 48, width: int = 72) -> torch.Tensor:
    return torch.full((1, height, width), level)


def test_grain_is_fine_and_light_is_coarse() -> None:
    """Noise of deviation 0.05 lies 0.6745 * 0.05 * sqrt(8 / 9) off its neighbours' mean in the median."""
    random = torch.Generator().manual_seed(0)
    levels = torch.linspace(0.3, 0.7, 9)
    noisy = [flat(0.5) + 0.05 * torch.randn(1, 48, 72, generator=random) for _ in range(9)]
    lit = [flat(float(level)) for level in levels]

    assert variation(noisy).fine == pytest.approx(0.6745 * 0.05 * (8 / 9) ** 0.5, rel=0.05)
    assert variation(noisy).coarse < 0.02
    assert variation(lit).fine < 1e-6
    assert variation(lit).coarse == pytest.approx(float(levels.std()), rel=1e-4)


def test_pictures_of_several_sizes_are_compared_cell_by_cell() -> None:
    sizes = [(48, 72), (96, 72), (48, 144)]

    found = variation([torch.linspace(0, 1, width).expand(1, height, width) for height, width in sizes])

    assert found.coarse < 0.02


def test_one_picture_differs_from_no_other() -> None:
    assert variation([torch.rand(3, 32, 32)]).coarse == 0
