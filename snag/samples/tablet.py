"""A speckled tablet on plain cloth, nearly in place."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from snag.samples.kit.noise import field
from snag.samples.kit.shapes import SIDE, Array, Rng, laid


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
