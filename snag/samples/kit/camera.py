"""What camera and lamp add to a drawn picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from snag.samples.kit.noise import field
from snag.samples.kit.shapes import Array, Rng


def exposed(picture: Array, rng: Rng) -> Array:
    """Under a lamp that is not quite even, through a camera that is not quite sharp: [SIDE, SIDE, 3], not yet cut off."""
    light = 1 + 0.05 * field(rng, 3)
    sharp = gaussian_filter(picture * rng.uniform(0.94, 1.06) * light[..., None], (rng.uniform(0.4, 0.8),) * 2 + (0,))
    return sharp + rng.normal(0, 2.0, picture.shape)


def sensed(light: NDArray[np.float32], rng: Rng) -> NDArray[np.uint8]:
    """Light 0..1 as grey levels, with the read noise and the shot noise of a small industrial sensor."""
    noise = rng.standard_normal(light.shape, dtype=np.float32) * np.sqrt(0.004**2 + 0.00006 * np.clip(light, 0, 1))
    return np.clip(np.rint((light + noise) * 255), 0, 255).astype(np.uint8)
