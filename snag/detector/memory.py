"""The memory of good pictures: memory banks of several sizes of the picture, and how unlike all of them its places are.

Features of a large picture show what is small, those of a small one what is large; which of both a product's defects are nobody
knows before. So each bank says by how many standard deviations a place is farther from what it remembers than good ones are,
and their mean counts.
"""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.detector.backbone import CHANNELS
from snag.detector.memory_bank import MemoryBank
from snag.detector.preparation import resized

#: What brings prepared grey values to about the range that ImageNet's normalisation gives.
_CENTRE: Final = 0.5
_SPREAD: Final = 0.15
#: How many times more pixels a side the memory is shown than the networks.
FINER: Final = 2
#: How often the prepared picture's side is halved before each bank looks at it.
HALVINGS: Final = (0, 1, 2)


class Memory(nn.Module):
    """See the head of this file."""

    def __init__(self, backbone: nn.Module) -> None:
        """`backbone`: see `backbone.Backbone`. Until they are filled (`training/fit/memory.py`), its banks know nothing."""
        super().__init__()
        self.backbone = backbone
        self.centre, self.spread = _CENTRE, _SPREAD
        self.banks = nn.ModuleList([MemoryBank(sum(CHANNELS)) for _ in HALVINGS])

    def forward(self, prepared: Tensor) -> Tensor:
        """Prepared pictures [N, c, h, w] to standard deviations farther than usual, 0 or more: [N, h/8, w/8].

        h and w are multiples of 32.
        """
        height, width = prepared.shape[2] // 8, prepared.shape[3] // 8
        features = self.features(prepared)
        total = torch.zeros(prepared.shape[0], height, width)
        for number, bank in enumerate(self.banks):
            # Less than usual counts as usual: what is seen at one size shall not be hidden by another.
            total = total + resized(bank(features[number])[:, None].clamp(min=0.0), height, width)[:, 0]
        return total / float(len(self.banks))

    @torch.jit.export
    def features(self, prepared: Tensor) -> list[Tensor]:
        """[N, c, h, w] -> what each bank remembers places by, [N, features, ...], at an eighth of what it looks at."""
        pictures = (prepared - self.centre) / self.spread
        found: list[Tensor] = []
        for number in range(len(self.banks)):
            if number > 0:
                pictures = functional.avg_pool2d(pictures, 2)
            found.append(side_by_side(self.backbone(pictures.expand(-1, 3, -1, -1))))
        return found


def side_by_side(levels: list[Tensor]) -> Tensor:
    """Features of several resolutions, each the mean of 3 x 3 places, at that of the second: [N, features, h, w]."""
    height, width = levels[1].shape[2], levels[1].shape[3]
    return torch.cat([resized(functional.avg_pool2d(level, 3, 1, 1), height, width) for level in levels], 1)
