"""Preparations as they are chosen for synthetic bolts, and pictures of nothing at all."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from snag.detector.oriented_crop import OrientedCrop
from snag.training.data.survey import summarise
from snag.training.modes import Choice, choose
from tests.support.parts import good_picture

SIZE = (192, 192)


def random_picture(height: int, width: int, channels: int = 1, seed: int = 0) -> Tensor:
    """Smooth random grey values [channels, height, width] in 0..255."""
    coarse = torch.rand(1, channels, 5, 5, generator=torch.Generator().manual_seed(seed))
    return 255 * functional.interpolate(coarse, [height, width], mode="bilinear", align_corners=True)[0]


@cache
def chosen(
    size: tuple[int, int] = SIZE, mode: str = "auto", colour: str = "auto", pixels: int = 6000, **looks: object
) -> Choice:
    """The preparation that is chosen for bolts in pictures of this size."""
    pictures = [good_picture(i, size, **looks) for i in range(16)]
    return choose([summarise(picture) for picture in pictures], mode=mode, colour=colour, pixels=pixels)


def aligned_for(size: tuple[int, int]) -> OrientedCrop:
    """The preparation of bolts in pictures of this size."""
    module = chosen(size).module
    assert isinstance(module, OrientedCrop)
    return module
