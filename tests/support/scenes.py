"""Pictures of one scene, boxes on a plate, that a holder with some play lets move a little."""

from __future__ import annotations

import math

import torch
from torch import Tensor

#: Middle (down, right), half height, half width, grey value; in shares of the long side, from the middle of the picture.
BOXES = (
    (-0.25, -0.22, 0.10, 0.14, 30.0),
    (-0.20, 0.25, 0.06, 0.06, 210.0),
    (0.05, 0.05, 0.04, 0.20, 60.0),
    (0.22, -0.28, 0.08, 0.05, 180.0),
    (0.28, 0.18, 0.05, 0.12, 20.0),
)


def scene(
    size: tuple[int, int], move: tuple[float, float, float] = (0.0, 0.0, 0.0), seed: int = 0, blot: bool = False
) -> Tensor:
    """[1, H, W] in 0..255 after `move`: right and down in shares of the long side, and degrees.

    `seed` draws what differs from one good picture to the next: the tone of each box, and noise. `blot` puts a dark spot onto
    the plate, right of and above its middle.
    """
    random = torch.Generator().manual_seed(seed)
    side, (height, width) = float(max(size)), size
    y = ((torch.arange(height) + 0.5 - height / 2) / side)[:, None] - move[1]
    x = ((torch.arange(width) + 0.5 - width / 2) / side)[None, :] - move[0]
    cos, sin = math.cos(math.radians(move[2])), math.sin(math.radians(move[2]))
    v, u = cos * y - sin * x, cos * x + sin * y
    picture = torch.full(size, 110.0)
    for down, right, tall, wide, grey in BOXES:
        depth = torch.minimum(tall - (v - down).abs(), wide - (u - right).abs())
        tone = grey * float(1 + 0.1 * torch.randn(1, generator=random))
        picture = picture + (side * depth + 0.5).clamp(0, 1) * (tone - picture)
    if blot:
        picture = picture - 90 * torch.exp(-((v + 0.15) ** 2 + (u - 0.05) ** 2) / (2 * 0.012**2))
    return picture[None] + 2 * torch.randn(1, *size, generator=random)


def play(count: int, seed: int = 0) -> list[tuple[float, float, float]]:
    """`count` moves by up to 2 % of the side and 1.5 degrees."""
    drawn = torch.rand(count, 3, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return [(0.02 * right, 0.02 * down, 1.5 * turn) for right, down, turn in drawn.tolist()]
