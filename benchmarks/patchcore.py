"""PatchCore as it is published, on EfficientNet-Lite0: what the control remembers, and how far a picture is from that.

After Roth et al., Towards Total Recall in Industrial Anomaly Detection, CVPR 2022: features of two depths, averaged over 3 x 3
places, side by side at the finer one's resolution; a coreset of them; the distance is that to the nearest. Nothing of it is the
product's own memory but the backbone and the choice of a coreset.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from snag.training.fit.backbone import backbone
from snag.training.fit.memory import coreset

#: Places that are remembered, among how many they are chosen, and of how many pictures these are at most.
REMEMBERED: Final = 4096
CANDIDATES: Final = 25_000
PICTURES: Final = 500
#: What brings prepared grey values to about the range that ImageNet's normalisation gives.
_CENTRE, _SPREAD = 0.5, 0.15
#: Places that are compared at a time.
_AT_ONCE: Final = 512


class PatchCore:
    """Fitted to good pictures."""

    @torch.no_grad()
    def __init__(self, good: Sequence[Tensor], seed: int) -> None:
        """`good` pictures [c, h, w], sides multiples of 16."""
        self.backbone = backbone()
        random = torch.Generator().manual_seed(seed)
        shown = torch.randperm(len(good), generator=random)[:PICTURES].tolist()
        each = -(-CANDIDATES // len(shown))
        drawn = []
        for number in shown:
            places = self.features(good[number])[0].flatten(1).t()
            drawn.append(places[torch.randperm(len(places), generator=random)[:each]])
        candidates = torch.cat(drawn)
        self.deviation = candidates.std(0).clamp(min=1e-6)
        candidates = candidates / self.deviation
        self.known = candidates[coreset(candidates, REMEMBERED, random)]

    def features(self, picture: Tensor) -> Tensor:
        """[c, h, w] -> [1, features, h/8, w/8]."""
        _, fine, coarse = self.backbone(((picture - _CENTRE) / _SPREAD)[None].expand(-1, 3, -1, -1))
        fine, coarse = functional.avg_pool2d(fine, 3, 1, 1), functional.avg_pool2d(coarse, 3, 1, 1)
        wide = functional.interpolate(coarse, fine.shape[2:], mode="bilinear", align_corners=False)
        return torch.cat([fine, wide], 1)

    @torch.inference_mode()
    def score(self, picture: Tensor) -> float:
        """The largest distance of a place of the picture [c, h, w] to the nearest remembered one."""
        asked = self.features(picture)[0].flatten(1).t() / self.deviation
        return max(float(torch.cdist(part, self.known).amin(1).max()) for part in asked.split(_AT_ONCE))
