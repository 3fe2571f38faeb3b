"""Networks made ready to judge: the same function, in less time.

Batch normalisation is folded into the convolution before it, one pass over the features less; and weights lie pixel by pixel
(channels last), which takes a convolution of few channels on a CPU two thirds of the time.
"""

from __future__ import annotations

import copy
import itertools

import torch
from torch import nn


def fuse_batchnorm(networks: nn.Module) -> nn.Module:
    """A copy, ready to judge, whose blocks of convolution and batch normalisation are convolutions with a bias.

    Freezing a script folds too, but neither across a pixel shuffle nor in what runs beside the calling thread.
    """
    made = copy.deepcopy(networks).eval()
    for block in [module for module in made.modules() if isinstance(module, nn.Sequential)]:
        names = list(block._modules)
        for at, (first, second) in enumerate(itertools.pairwise(names)):
            convolution, after = block._modules[first], block._modules[second]
            copies = 1
            if isinstance(after, nn.PixelShuffle) and at + 2 < len(names):  # each channel comes from so many in a row
                copies, second = after.upscale_factor**2, names[at + 2]
            normalisation = block._modules[second]
            if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
                block._modules[first] = _fused(convolution, normalisation, copies)
                block._modules[second] = nn.Identity()
    made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return made


@torch.no_grad()
def _fused(convolution: nn.Conv2d, normalisation: nn.BatchNorm2d, copies: int) -> nn.Conv2d:
    mean, variance = normalisation.running_mean, normalisation.running_var
    assert mean is not None  # noqa: S101  # for the type checker  # nosec B101
    assert variance is not None  # noqa: S101  # for the type checker  # nosec B101
    scale = normalisation.weight / torch.sqrt(variance + normalisation.eps)
    shift = normalisation.bias - mean * scale
    scale, shift = scale.repeat_interleave(copies), shift.repeat_interleave(copies)
    fused = copy.deepcopy(convolution)
    fused.weight = nn.Parameter(convolution.weight * scale[:, None, None, None])
    fused.bias = nn.Parameter(shift if convolution.bias is None else convolution.bias * scale + shift)
    return fused
