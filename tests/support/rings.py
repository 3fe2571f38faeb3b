"""A dark ring on a table that is white as far as the camera goes: most of the picture says nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.support.scenes import play

SIDE = 128
COUNT = 16
_MOVES = play(COUNT)
#: Further from the ring's middle than this, in shares of the side, is table, however the ring lies.
TABLE = 0.47
_Y, _X = torch.meshgrid(*[(torch.arange(SIDE) + 0.5) / SIDE - 0.5] * 2, indexing="ij")


def ring(number: int, gain: float = 1.0, lamp: Tensor | float = 1.0, chip: bool = False, spot: bool = False) -> Tensor:
    """[1, SIDE, SIDE]: the good picture of a number below COUNT, or one with a piece missing, or dirt in a white corner."""
    random = torch.Generator().manual_seed(number)
    right, down, _ = _MOVES[number]
    away, angle = torch.hypot(_Y - down, _X - right), torch.atan2(_Y - down, _X - right)
    picture = torch.full((SIDE, SIDE), 345.0)
    for radius, grey in ((0.43, 30.0), (0.36, 70.0), (0.27, 18.0), (0.22, 95.0)):
        picture = _laid(picture, radius - away, grey * float(1 + 0.03 * torch.randn(1, generator=random)))
    for middle, half, out in ((-2.3, 0.4, 0.34), (0.9, 0.25, 0.31), (2.6, 0.2, 0.40)):
        beside = (torch.remainder(angle - middle + torch.pi, 2 * torch.pi) - torch.pi).abs()
        picture = _laid(picture, torch.minimum(0.012 - (away - out).abs(), half - beside), 190.0)
    if chip:
        picture = _laid(picture, 0.05 - torch.hypot(_Y - down - 0.42, _X - right), 345.0)
    if spot:
        picture = _laid(picture, 0.04 - torch.hypot(_Y + 0.43, _X - 0.43), 90.0)
    slope = 0.1 * (2 * torch.rand(2, generator=random) - 1)
    light = gain * lamp * (1 + slope[0] * _Y + slope[1] * _X)
    return (picture * light + torch.randn(SIDE, SIDE, generator=random)).round().clamp(0, 255)[None]


#: Lamps, [SIDE, SIDE]: from the side, from a corner, with a dark corner, with dark corners.
LAMPS = {
    "even": torch.ones(SIDE, SIDE),
    "side": 1 + 0.4 * _X,
    "corner": 1 + 0.3 * _X + 0.3 * _Y,
    "dark corner": 1 - 0.3 * torch.exp(-((_X - 0.5) ** 2 + (_Y - 0.5) ** 2) / 0.1),
    "dark corners": 1 - 0.5 * (_X**2 + _Y**2),
}


def away() -> Tensor:
    """[SIDE, SIDE]: how far from the middle each pixel is, in shares of the side."""
    return torch.hypot(_Y, _X)


def _laid(picture: Tensor, depth: Tensor, grey: float) -> Tensor:
    """Where the depth in shares of the side is positive, grey."""
    return picture + (SIDE * depth + 0.5).clamp(0, 1) * (grey - picture)
