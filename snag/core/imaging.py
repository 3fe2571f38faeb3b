"""How a picture was taken, as the picture itself tells: its brightness and the sharpness of its edges, in a millisecond."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

_STRIDE: Final = 4  #: every fourth pixel of every fourth line is plenty for a mean
#: Whole lines are looked at, so many across and so many down: an edge is steep or not at full resolution only.
_LINES: Final = 32
#: The steepest thousandth of all steps are the edges; sensor noise and the surface's texture lie below.
_EDGES: Final = 0.999
_DARK: Final = 0.01  #: between this share of the pixels and the next lies the picture's contrast
_LIGHT: Final = 0.99
_LEVELS: Final = 256


def brightness(picture: Tensor) -> float:
    """Mean of [C, H, W] on the scale 0..255, as a share of full scale: 0 to 1."""
    return float(picture[:, ::_STRIDE, ::_STRIDE].to(torch.float32).mean()) / (_LEVELS - 1)


def sharpness(picture: Tensor) -> float:
    """How steep the edges of [C, H, W] are: the brightness that they gain over two pixels, as a share of the contrast.

    Being a share, it does not move with the lamp; being of the steepest steps alone, not with noise. Defocus lowers it. It is 0
    for a picture too small or too even to have edges.
    """
    height, width = picture.shape[-2:]
    rows = _grey(picture[:, :: max(1, height // _LINES)])
    columns = _grey(picture[:, :, :: max(1, width // _LINES)].transpose(1, 2))
    steps = sum(_histogram((lines[:, 2:] - lines[:, :-2]).abs()) for lines in (rows, columns))
    levels = _histogram(rows)
    contrast = _quantile(levels, _LIGHT) - _quantile(levels, _DARK)
    return _quantile(torch.as_tensor(steps), _EDGES) / contrast if contrast > 0 else 0.0


def _grey(lines: Tensor) -> Tensor:
    return lines.to(torch.float32).mean(0)


def _histogram(values: Tensor) -> Tensor:
    """Counts of whole grey values: quantiles need no sorting then."""
    return torch.bincount(values.flatten().round().to(torch.int64).clamp(0, _LEVELS - 1), minlength=_LEVELS)


def _quantile(histogram: Tensor, share: float) -> int:
    """The least grey value up to which at least this share lies."""
    return int((histogram.cumsum(0) < share * histogram.sum()).sum())
