"""Pictures of a round part in colour that lies anywhere on a grained table, with crumbs beside it or without."""

from __future__ import annotations

import torch
from torch import Tensor

#: The part's radius in shares of the side; its colour, and its table's.
RADIUS = 0.2
PART, TABLE = (200.0, 150.0, 140.0), (70.0, 100.0, 100.0)


def disc(
    at: tuple[float, float] | None,
    seed: int = 0,
    *,
    side: int = 160,
    crumb: bool = False,
    bite: bool = False,
    spot: bool = False,
) -> Tensor:
    """[3, side, side] in 0..255: a part `at` (down, right), in shares of the side; None: an empty table.

    `crumb` puts something of the part's colour beside it, `bite` takes a piece out of its right rim, `spot` darkens its middle.
    """
    random = torch.Generator().manual_seed(seed)
    y, x = ((torch.arange(side) + 0.5) / side)[:, None], ((torch.arange(side) + 0.5) / side)[None, :]

    def round_thing(down: float, right: float, radius: float) -> Tensor:
        return (side * (radius - torch.hypot(y - down, x - right)) + 0.5).clamp(0, 1)

    picture = torch.tensor(TABLE)[:, None, None] + 6 * torch.randn(1, side, side, generator=random)
    if at is not None:
        part = round_thing(*at, RADIUS)
        if bite:
            part = part * (1 - round_thing(at[0], at[1] + RADIUS, 0.35 * RADIUS))
        shade = 1 - 0.1 * (x - at[1]) / RADIUS - (0.4 * round_thing(*at, 0.03) if spot else 0.0)
        picture = picture + part * (torch.tensor(PART)[:, None, None] * shade - picture)
    if crumb:
        away = at or (0.5, 0.5)
        for down, right in ((-1.0, -1.3), (1.2, 1.0), (-0.9, 1.2)):
            thing = round_thing(away[0] + down * RADIUS, away[1] + right * RADIUS, 0.018)
            picture = picture + thing * (torch.tensor(PART)[:, None, None] - picture)
    return picture.clamp(0, 255)


def place(seed: int) -> tuple[float, float]:
    """Anywhere where the part is whole, and crumbs beside it too."""
    down, right = torch.rand(2, generator=torch.Generator().manual_seed(seed)).tolist()
    return 0.35 + 0.3 * down, 0.35 + 0.3 * right
