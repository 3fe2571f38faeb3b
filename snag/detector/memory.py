"""The memory of good pictures: memory banks of several resolutions, and how unlike all of them a picture's places are.

Features of a large picture show what is small, those of a small one what is large; what a defect of this product will look like
nobody knows before. So banks of all of them say how many standard deviations a place is farther from them than good ones are,
and their mean counts.
"""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.detector.backbone import CHANNELS
from snag.detector.memory_bank import MemoryBank, neighbourhoods
from snag.detector.preparation import resized

#: What brings prepared grey values to about the range that ImageNet's normalisation gives.
_CENTRE: Final = 0.5
_SPREAD: Final = 0.15
#: How many times more pixels a side the memory is shown than the networks.
FINER: Final = 2
#: What each bank remembers places by: how often the prepared picture's side is halved, and resolutions of the backbone.
BANKS: Final = ((0, (0, 1, 2)), (1, (0, 1, 2)), (1, (3,)))


class Memory(nn.Module):
    """See the head of this file."""

    def __init__(self, backbone: nn.Module) -> None:
        """`backbone`: see `backbone.Backbone`. Until they are filled (`training/fit/memory.py`), its banks know nothing."""
        super().__init__()
        self.backbone = backbone
        self.centre, self.spread = _CENTRE, _SPREAD
        self.halvings = [halvings for halvings, _ in BANKS]
        self.levels = [list(levels) for _, levels in BANKS]
        self.banks = nn.ModuleList([MemoryBank(sum(CHANNELS[level] for level in levels)) for _, levels in BANKS])

    def forward(self, prepared: Tensor) -> Tensor:
        """Prepared pictures [N, c, h, w], h and w multiples of 32, to standard deviations farther than usual [N, h/8, w/8]."""
        height, width = prepared.shape[2] // 8, prepared.shape[3] // 8
        features = self.features(prepared)
        total = torch.zeros(prepared.shape[0], height, width)
        for number, bank in enumerate(self.banks):
            total = total + resized(bank(features[number])[:, None], height, width)[:, 0]
        return total / float(len(self.banks))

    @torch.jit.export
    def features(self, prepared: Tensor) -> list[Tensor]:
        """[N, c, h, w] -> what each bank remembers places by, [N, features, ...]; none finer than an eighth."""
        pictures = (prepared - self.centre) / self.spread
        seen: list[list[Tensor]] = [self.backbone(pictures.expand(-1, 3, -1, -1))]
        found: list[Tensor] = []
        for number, halvings in enumerate(self.halvings):
            while len(seen) <= halvings:
                pictures = functional.avg_pool2d(pictures, 2)
                seen.append(self.backbone(pictures.expand(-1, 3, -1, -1)))
            found.append(side_by_side([seen[halvings][level] for level in self.levels[number]]))
        return found


def side_by_side(features: list[Tensor]) -> Tensor:
    """Features of several resolutions [N, ..., ...] at that of the second, or of the only one: [N, features, h, w]."""
    like = features[1 if len(features) > 1 else 0]
    height, width = like.shape[2], like.shape[3]
    return torch.cat([resized(neighbourhoods(some), height, width) for some in features], 1)
