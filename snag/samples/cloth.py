"""Woven cloth of two colours, always another piece of it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from snag.samples.kit.noise import field
from snag.samples.kit.shapes import SIDE, Array, Rng


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
