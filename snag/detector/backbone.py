"""What the first eleven blocks of EfficientNet-Lite0 see: ImageNet's features at two resolutions."""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

from typing import Any, Final

import torch
from torch import Tensor, nn

#: Channels at an eighth and at a sixteenth of the resolution.
CHANNELS: Final = (40, 112)
#: Blocks whose outputs are taken: the last ones of these two resolutions.
_BLOCKS: Final = (4, 10)


class Backbone(nn.Module):
    """The blocks that are used of an `EfficientNet`, without the others: pictures to features at both resolutions."""

    def __init__(self, network: Any) -> None:
        """`network`: the whole of efficientnet_lite_pytorch's EfficientNet."""
        super().__init__()
        self.stem = nn.Sequential(network._conv_stem, network._bn0, network._swish)
        self.fine = nn.Sequential(*network._blocks[: _BLOCKS[0] + 1])
        self.coarse = nn.Sequential(*network._blocks[_BLOCKS[0] + 1 : _BLOCKS[1] + 1])
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Of about unit spread, [N, 3, h, w], h and w multiples of 16 -> [N, 40, h/8, w/8] and [N, 112, h/16, w/16]."""
        fine = self.fine(self.stem(pictures.contiguous(memory_format=torch.channels_last)))
        return fine, self.coarse(fine)
