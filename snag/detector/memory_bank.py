"""A memory of what places of good pictures look like to ImageNet's features, and how far from it a picture's places are.

After Roth et al., Towards Total Recall in Industrial Anomaly Detection (PatchCore), CVPR 2022: features of two depths, averaged
over 3 x 3 places; the distance is that to the nearest remembered place; a greedy coreset is remembered (sec. 3.2).
"""

# No `from __future__ import annotations` here: TorchScript can't read a buffer's type from a string.

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.detector.preparation import resized

#: Places that are remembered, among how many they are chosen, and of how many pictures these are at most.
REMEMBERED: Final = 4096
CANDIDATES: Final = 25_000
PICTURES: Final = 500
#: What brings prepared grey values to about the range that ImageNet's normalisation gives.
_CENTRE: Final = 0.5
_SPREAD: Final = 0.15
#: Dimensions in which the coreset is chosen: random projections keep distances well enough (sec. 3.2).
_PROJECTED: Final = 32
#: Places that are compared at a time: all at once would take some 40 MB of each worker.
_AT_ONCE: Final = 512


class Memory(nn.Module):
    """Distances to what is remembered; see the head of this file."""

    known: Tensor  #: [places, features], in standard deviations of each feature
    deviation: Tensor  #: [features]

    def __init__(self, backbone: nn.Module) -> None:
        """`backbone`: see `backbone.Backbone`. Until `remember` has filled it, it knows one place."""
        super().__init__()
        self.backbone = backbone
        self.centre, self.spread, self.at_once = _CENTRE, _SPREAD, _AT_ONCE
        self.register_buffer("known", torch.zeros(1, 1))
        self.register_buffer("deviation", torch.ones(1))

    def forward(self, prepared: Tensor) -> Tensor:
        """Prepared pictures [N, c, h, w], h and w multiples of 16, to distances [N, h/8, w/8]."""
        features = self.features(prepared)
        asked = features.permute(0, 2, 3, 1).flatten(0, 2) / self.deviation
        lengths, transposed = self.known.square().sum(1), self.known.t()
        nearest: list[Tensor] = []
        for part in asked.split(self.at_once):
            nearest.append(part.square().sum(1) + torch.addmm(lengths, part, transposed, alpha=-2.0).amin(1))
        return torch.cat(nearest).clamp(min=0.0).sqrt().view(features.shape[0], features.shape[2], features.shape[3])

    @torch.jit.export
    def features(self, prepared: Tensor) -> Tensor:
        """[N, c, h, w] -> [N, features, h/8, w/8]."""
        pictures = (prepared - self.centre) / self.spread
        fine, coarse = self.backbone(pictures.expand(-1, 3, -1, -1))
        fine, coarse = functional.avg_pool2d(fine, 3, 1, 1), functional.avg_pool2d(coarse, 3, 1, 1)
        return torch.cat([fine, resized(coarse, fine.shape[2], fine.shape[3])], 1)


@torch.no_grad()
def remember(memory: Memory, good: Sequence[Tensor], seed: int) -> None:
    """Fill `memory` with places of good pictures [c, h, w], spread out as far as they go (k-centre greedy)."""
    random = torch.Generator().manual_seed(seed)
    shown = torch.randperm(len(good), generator=random)[:PICTURES].tolist()
    each = -(-CANDIDATES // len(shown))
    drawn = []
    for number in shown:
        places = memory.features(good[number][None].float())[0].flatten(1).t()
        drawn.append(places[torch.randperm(len(places), generator=random)[:each]])
    candidates = torch.cat(drawn)
    memory.deviation = candidates.std(0).clamp(min=1e-6)
    candidates = candidates / memory.deviation
    memory.known = candidates[coreset(candidates, REMEMBERED, random)].contiguous()


def coreset(candidates: Tensor, size: int, random: torch.Generator) -> list[int]:
    """Numbers of `size` rows, each the farthest from those before it; of all where there are no more."""
    if len(candidates) <= size:
        return list(range(len(candidates)))
    projection = torch.randn(candidates.shape[1], _PROJECTED, generator=random)
    points = candidates @ projection
    chosen = [0]
    farness = (points - points[0]).square().sum(1)
    while len(chosen) < size:
        chosen.append(int(farness.argmax()))
        farness = torch.minimum(farness, (points - points[chosen[-1]]).square().sum(1))
    return chosen
