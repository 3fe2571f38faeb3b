"""Preparations as they are chosen for synthetic bolts, and pictures of nothing at all."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from snag.detector.preparation import AlignedPreparation
from snag.training.data.survey import look
from snag.training.fit.choose_preparation import Chosen, choose_preparation
from tests.support.parts import good_picture

SIZE = (192, 192)


def random_picture(height: int, width: int, channels: int = 1, seed: int = 0) -> Tensor:
    """Smooth random grey values [channels, height, width] in 0..255."""
    coarse = torch.rand(1, channels, 5, 5, generator=torch.Generator().manual_seed(seed))
    return 255 * functional.interpolate(coarse, [height, width], mode="bilinear", align_corners=True)[0]


@cache
def chosen(
    size: tuple[int, int] = SIZE, mode: str = "auto", colour: str = "auto", pixels: int = 6000, **looks: object
) -> Chosen:
    """The preparation that is chosen for bolts in pictures of this size."""
    pictures = [good_picture(i, size, **looks) for i in range(16)]
    return choose_preparation(
        [look(picture) for picture in pictures], mode=mode, colour=colour, pixels=pixels, centre=0.5, spread=0.15
    )


def aligned_for(size: tuple[int, int]) -> AlignedPreparation:
    """The preparation of bolts in pictures of this size."""
    module = chosen(size).module
    assert isinstance(module, AlignedPreparation)
    return module
