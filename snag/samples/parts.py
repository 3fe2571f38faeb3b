"""Good cloth, tablets and nuts."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from snag.samples.drawing import SIDE, Array, Rng, field, laid


def cloth(rng: Rng) -> tuple[Array, Array]:
    """Woven of two colours; threads differ in width and tone. The picture [SIDE, SIDE, 3] and 1 everywhere."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    y, x = y + 1.5 * field(rng, 4) + rng.uniform(0, 12), x + 1.5 * field(rng, 4) + rng.uniform(0, 12)
    column, row = (x // 12).astype(int), (y // 12).astype(int)
    column, row = column - column.min(), row - row.min()
    above = (column + row) % 2 == 0
    tones = 1 + 0.05 * rng.normal(0, 1, (2, SIDE))
    across = np.array([66, 92, 138]) * (tones[0][row] * (0.55 + 0.45 * np.sin(np.pi * (y % 12) / 12)))[..., None]
    along = np.array([168, 140, 96]) * (tones[1][column] * (0.55 + 0.45 * np.sin(np.pi * (x % 12) / 12)))[..., None]
    fibres = 1 + 0.06 * gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 0.7) / 0.4
    return np.where(above[..., None], across, along) * fibres[..., None], np.ones((SIDE, SIDE))


def tablet(rng: Rng) -> tuple[Array, Array]:
    """A speckled tablet with a groove on plain cloth, nearly in place. The picture, and how much of each pixel is tablet."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    angle = np.radians(rng.uniform(-4, 4))
    dy, dx = y - SIDE / 2 - rng.uniform(-6, 6), x - SIDE / 2 - rng.uniform(-6, 6)
    u, v = np.cos(angle) * dx + np.sin(angle) * dy, np.cos(angle) * dy - np.sin(angle) * dx
    rim = (np.abs(u / 170) ** 2.6 + np.abs(v / 108) ** 2.6) ** (1 / 2.6)
    part = ((1 - rim) * 110 + 0.5).clip(0, 1)
    table = np.array([52, 74, 88]) * (1 + 0.04 * field(rng, 60))[..., None]
    shade = 1 - 0.35 * rim.clip(0, 1) ** 6 - 0.22 * np.exp(-((u / 5) ** 2)) + 0.06 * v / 108
    body = np.array([214, 188, 150]) * rng.uniform(0.97, 1.03, 3) * shade[..., None]
    specks = gaussian_filter((rng.random((SIDE, SIDE)) < rng.uniform(0.002, 0.004)).astype(float), 1.6) * 16
    body = laid(body, 0.6 * specks.clip(0, 1), np.array([150.0, 84, 62]))
    return laid(table, part, body), part


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
