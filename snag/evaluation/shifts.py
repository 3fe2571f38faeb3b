"""Shifts: what a line does to its pictures without touching a part: another lamp, another focus, another place. Pure.

Each takes one decoded picture [C, H, W] (uint8, or float on the same scale 0..255) and an amount, and returns a picture of the
same size and type; nothing leaves the scale, as in a camera.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

#: float [C, H, W], amount, seed -> float [C, H, W]
Change = Callable[[Tensor, float, int], Tensor]


@dataclass(frozen=True)
class Shift:
    """A row of the table."""

    title: str
    amounts: tuple[float, ...]  #: in rising order
    neutral: float  #: the amount that changes nothing
    is_light: bool  #: it leaves every place where it is, so it can be scored with the exposure of the picture before
    change: Change


def shifted(picture: Tensor, shift: Shift, amount: float, seed: int = 0) -> Tensor:
    """The picture under a shift; `seed` draws the noise, the same for the same picture."""
    if amount == shift.neutral:
        return picture
    changed = shift.change(picture.float(), amount, seed).clamp(0, 255)
    return changed if picture.is_floating_point() else changed.round().to(picture.dtype)


def _gamma(values: Tensor, amount: float, _: int) -> Tensor:
    return 255 * (values / 255) ** amount


def _ramp(values: Tensor, amount: float, _: int) -> Tensor:
    """From left to right: half of `amount` darker to half of it brighter."""
    return values * (1 + amount * torch.linspace(-0.5, 0.5, values.shape[-1]))


def _blur(values: Tensor, amount: float, _: int) -> Tensor:
    """Gaussian of standard deviation `amount` pixels, edges repeated."""
    reach = min(math.ceil(3 * amount), min(values.shape[1:]) - 1)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / amount) ** 2)
    weights = (weights / weights.sum()).expand(values.shape[0], 1, 1, -1)
    padded = functional.pad(values[None], [reach] * 4, mode="replicate")
    down = functional.conv2d(padded, weights.transpose(2, 3), groups=len(values))
    return functional.conv2d(down, weights, groups=len(values))[0]


def _noise(values: Tensor, amount: float, seed: int) -> Tensor:
    return values + amount * torch.randn(values.shape, generator=torch.Generator().manual_seed(seed))


def _jpeg(values: Tensor, amount: float, _: int) -> Tensor:
    levels = values.round().byte().numpy()
    image = Image.fromarray(levels[0] if len(levels) == 1 else np.ascontiguousarray(levels.transpose(1, 2, 0)))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=round(amount))
    found = np.asarray(Image.open(buffer), dtype=np.float32)
    return torch.from_numpy(found[None].copy() if found.ndim == 2 else found.transpose(2, 0, 1).copy())


def _moved(values: Tensor, amount: float, _: int) -> Tensor:
    """Right and down by whole pixels, edges repeated."""
    pixels, (height, width) = round(amount), values.shape[1:]
    rows, columns = ((torch.arange(side) - pixels).clamp(0, side - 1) for side in (height, width))
    return values[:, rows][:, :, columns]


def _turned(values: Tensor, amount: float, _: int) -> Tensor:
    """Clockwise by `amount` degrees around the middle."""
    angle = math.radians(amount)
    return _resampled(values, math.cos(angle), math.sin(angle))


def _zoomed(values: Tensor, amount: float, _: int) -> Tensor:
    """Above 1: nearer."""
    return _resampled(values, 1 / amount, 0.0)


def _resampled(values: Tensor, cos: float, sin: float) -> Tensor:
    """Bilinear; what came from outside repeats the edge."""
    height, width = values.shape[1:]
    aspect = height / width
    theta = torch.tensor([[cos, sin * aspect, 0.0], [-sin / aspect, cos, 0.0]])
    grid = functional.affine_grid(theta[None], [1, 1, height, width], align_corners=False)
    return functional.grid_sample(values[None], grid, mode="bilinear", padding_mode="border", align_corners=False)[0]


#: The registry: what the shift table measures, by the key in metrics.json.
SHIFTS: Final[dict[str, Shift]] = {
    "gain": Shift("Gain", (0.7, 0.8, 0.9, 1.1, 1.2, 1.3), 1.0, True, lambda values, amount, _: values * amount),
    "offset": Shift("Offset, grey levels", (-20, -10, 10, 20), 0.0, True, lambda values, amount, _: values + amount),
    "gamma": Shift("Gamma", (0.8, 0.9, 1.1, 1.25), 1.0, True, _gamma),
    "ramp": Shift("Ramp across, share", (-0.3, -0.15, 0.15, 0.3), 0.0, True, _ramp),
    "blur": Shift("Blur, sd in pixels", (0.5, 1, 2), 0.0, True, _blur),
    "noise": Shift("Noise, sd in grey levels", (2, 4, 8), 0.0, True, _noise),
    "jpeg": Shift("JPEG quality", (60, 75, 85, 95), 100.0, True, _jpeg),
    "move": Shift("Shift, pixels", (1, 2, 4, 8), 0.0, False, _moved),
    "turn": Shift("Rotation, degrees", (-10, -5, -2, 2, 5, 10), 0.0, False, _turned),
    "zoom": Shift("Zoom", (0.9, 0.95, 1.05, 1.1), 1.0, False, _zoomed),
}
