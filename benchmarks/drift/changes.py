"""What happens to a line, done to its pictures: the lamp fades, the lens loses focus, another supplier's surface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

_LAMP: Final = 0.8  #: of its light is left
_FOCUS: Final = 1.5  #: pixels, standard deviation of the blur
_ROUGHNESS: Final = 0.06  #: standard deviation of the reflectance, as a share
_GRAIN: Final = 1.2  #: pixels, standard deviation of the surface's texture
_PART: Final = 0.85  #: of the background's brightness: what is darker belongs to the part


def lamp(picture: Tensor, _: torch.Generator) -> Tensor:
    """[C, H, W] on the scale 0..255, under a lamp that gives 20 % less."""
    return _rounded(picture.float() * _LAMP)


def defocus(picture: Tensor, _: torch.Generator) -> Tensor:
    """Out of focus."""
    return _rounded(_blurred(picture.float(), _FOCUS))


def surface(picture: Tensor, random: torch.Generator) -> Tensor:
    """The same part with a rougher surface; the background stays."""
    values = picture.float()
    grain = _blurred(torch.randn(1, *values.shape[1:], generator=random), _GRAIN)
    is_part = _blurred((values.mean(0, keepdim=True) < _PART * values.median()).float(), 1.0)
    return _rounded(values * (1 + _ROUGHNESS * is_part * grain / grain.std()))


CHANGES: Final[dict[str, Callable[[Tensor, torch.Generator], Tensor]]] = {
    "lamp -20 %": lamp,
    "defocus": defocus,
    "new surface": surface,
}


def _blurred(values: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of [C, H, W]; the border repeats."""
    reach = int(3 * sigma) + 1
    at = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-(at**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(len(values), 1, 1, -1)
    for weights in (kernel, kernel.transpose(2, 3)):
        pads = [0, 0, reach, reach] if weights.shape[2] > 1 else [reach, reach, 0, 0]
        values = functional.conv2d(functional.pad(values[None], pads, mode="replicate"), weights, groups=len(values))[0]
    return values


def _rounded(values: Tensor) -> Tensor:
    return values.clamp(0, 255).round().to(torch.uint8)
