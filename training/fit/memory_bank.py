"""Filling a memory bank: which places of good pictures are remembered.

A greedy coreset after Roth et al., Towards Total Recall in Industrial Anomaly Detection (PatchCore), CVPR 2022, sec. 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from snag.detector.memory_bank import MemoryBank

#: Places that are remembered, among how many they are chosen, and of how many pictures these are at most.
REMEMBERED: Final = 4096
CANDIDATES: Final = 25_000
PICTURES: Final = 500
#: Dimensions in which the coreset is chosen: random projections keep distances well enough (sec. 3.2).
_PROJECTED: Final = 32


@torch.no_grad()
def remember(memory: MemoryBank, good: Sequence[Tensor], seed: int) -> None:
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
