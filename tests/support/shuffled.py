"""Pictures as the networks see and make them: four neighbouring pixels as four channels."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def unshuffle(picture: Tensor) -> Tensor:
    """[N, C, h, w] -> [N, 4 C, h/2, w/2]."""
    return functional.pixel_unshuffle(picture, 2)


def shuffle(unshuffled: Tensor) -> Tensor:
    """[N, 4 C, h/2, w/2] -> [N, C, h, w]."""
    return functional.pixel_shuffle(unshuffled, 2)
