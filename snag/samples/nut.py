"""A brown nut on black, lying as it fell."""

from __future__ import annotations

import numpy as np

from snag.samples.kit.noise import field
from snag.samples.kit.shapes import SIDE, Array, Rng, laid


def nut(rng: Rng) -> tuple[Array, Array]:
    """A brown nut on black, lying as it fell, its pale base to any side. The picture, and how much of each pixel is nut."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    turn = rng.uniform(0, 2 * np.pi)
    dy, dx = y - SIDE / 2 - rng.uniform(-8, 8), x - SIDE / 2 - rng.uniform(-8, 8)
    away, angle = np.hypot(dy, dx), np.arctan2(dy, dx) - turn
    reach = rng.uniform(158, 172) * (1 + 0.05 * np.cos(2 * angle) + 0.02 * rng.normal() * np.cos(3 * angle))
    part = ((1 - away / reach) * 110 + 0.5).clip(0, 1)
    waves = sum(rng.uniform(0.3, 1) * np.cos(k * angle + rng.uniform(0, 7)) for k in (17, 23, 31, 41))
    shell = np.array([148, 98, 56]) * (1 + 0.05 * waves + 0.06 * field(rng, 30))[..., None]
    base = 1 / (1 + np.exp((np.hypot(away * np.cos(angle) - 0.55 * reach, away * np.sin(angle)) - 62) / 5))
    body = laid(shell, base, np.array([196, 168, 128]) * (1 + 0.05 * field(rng, 50))[..., None])
    body = body * (1 - 0.5 * (away / reach).clip(0, 1) ** 4)[..., None]
    return laid(np.full((SIDE, SIDE, 3), 14.0), part, body), part
