"""What EfficientNet-Lite0 sees: ImageNet's features at four resolutions."""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

import itertools
from typing import Any, Final

import torch
from torch import Tensor, nn

#: Channels at a quarter, an eighth, a sixteenth and a thirty-second of the resolution.
CHANNELS: Final = (24, 40, 112, 320)
#: Blocks whose outputs are taken: the last ones of these resolutions.
_BLOCKS: Final = (2, 4, 10, 15)


class Backbone(nn.Module):
    """The blocks of an `EfficientNet`, without its classifier: pictures to features at four resolutions."""

    def __init__(self, network: Any) -> None:
        """`network`: the whole of efficientnet_lite_pytorch's EfficientNet."""
        super().__init__()
        self.stem = nn.Sequential(network._conv_stem, network._bn0, network._swish)
        ends = (0, *(block + 1 for block in _BLOCKS))
        self.stages = nn.ModuleList([nn.Sequential(*network._blocks[start:end]) for start, end in itertools.pairwise(ends)])
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Of about unit spread, [N, 3, h, w], h and w multiples of 32 -> features, finest first, channels as in CHANNELS."""
        features = self.stem(pictures.contiguous(memory_format=torch.channels_last))
        found: list[Tensor] = []
        for stage in self.stages:
            features = stage(features)
            found.append(features)
        return found
