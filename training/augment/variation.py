"""How much good pictures differ anyway: a change that is less than that is no defect, and learning to see it only hurts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

#: Cells along each side of a picture, by which its light and dark parts are compared with other pictures'.
_CELLS: Final = 12


@dataclass(frozen=True)
class Variation:
    """In prepared grey values."""

    fine: float = 0.0  #: usual distance of a pixel from the mean of its 3 x 3: noise and grain
    coarse: float = 0.0  #: usual standard deviation, from picture to picture, of a twelfth of the side: soft light and dark


def variation(pictures: Sequence[Tensor]) -> Variation:
    """Measure good prepared pictures [c, h, w] of any sizes: medians, so that edges and rare places have no say."""
    fine = [_grain(picture) for picture in pictures]
    cells = torch.stack([functional.adaptive_avg_pool2d(picture, _CELLS) for picture in pictures])
    return Variation(float(torch.stack(fine).median()), float(cells.std(0).median()) if len(cells) > 1 else 0.0)


def _grain(picture: Tensor) -> Tensor:
    mean = functional.avg_pool2d(picture[None], 3, 1, 1, count_include_pad=False)[0]
    return (picture - mean).abs().median()
