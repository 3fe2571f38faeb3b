"""The contract of a preparation: from a decoded picture to what networks and memory look at, with the exposure taken out.

There is one module for each mode, called as the mode is. Beside a memory it prepares closer than the networks see: see
`detector.Detector.view`.
"""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Grey levels of standard deviation below which a picture is not stretched further: a picture of nothing stays one of nothing.
LEAST_DEVIATION: Final = 0.5
#: Why there is no verdict on a picture: its part or scene was not found.
NOT_ALIGNED: Final = "not_aligned"


class Prepared(NamedTuple):
    """A picture as networks and memory look at it."""

    picture: Tensor  #: float32 [c, h, w]
    pose: Tensor  #: float32 [2, 3]: prepared coordinates (x, y, 1), -1..1 each, to those of the picture, -1..1 each
    reason: str  #: "", or why there is no verdict on this picture


class Preparation(nn.Module):
    """What the module of every mode is. Scriptable."""

    channels: int
    height: int  #: the greatest that it prepares
    width: int

    def forward(self, picture: Tensor, other: Tensor | None = None) -> Prepared:
        """Prepare a picture [C, H, W], uint8 or float on the same scale.

        Given another picture of the same size, the first is prepared by what is measured on that one. With the picture before
        the lamp changed as the other, this shows what the networks would see if exposure were not taken out.
        """
        raise NotImplementedError


def resized(values: Tensor, height: int, width: int) -> Tensor:
    """Resize [1, C, H, W] bilinearly, antialiased.

    What functional.interpolate calls: see "equal bytes" at the head of this package.
    """
    return torch.ops.aten._upsample_bilinear2d_aa(values, [height, width], False, None, None)


def normalised(values: Tensor, measured: Tensor, centre: float, spread: float, least_deviation: float) -> Tensor:
    """`values` with the gain and offset that bring `measured` to mean `centre` and standard deviation `spread`."""
    deviation = measured.std().clamp(min=least_deviation)
    return (values - measured.mean()) / deviation * spread + centre


def back_to_picture(working: Tensor, pose: Tensor, height: int, width: int) -> Tensor:
    """Lay a map [h, w] in the prepared pose onto a picture of height x width; 0 outside of the prepared part."""
    linear, shift = pose[:, :2], pose[:, 2]
    inverse = torch.linalg.inv(linear)
    theta = torch.cat([inverse, -(inverse @ shift)[:, None]], 1)
    grid = functional.affine_grid(theta[None], [1, 1, height, width], align_corners=False)
    return functional.grid_sample(working[None, None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0, 0]
