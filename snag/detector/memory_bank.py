"""A memory of what places of good pictures look like to ImageNet's features, and how far from it a picture's places are.

After Roth et al., Towards Total Recall in Industrial Anomaly Detection (PatchCore), CVPR 2022: features of two depths, averaged
over 3 x 3 places; the distance is that to the nearest remembered place.
"""

# No `from __future__ import annotations` here: TorchScript can't read a buffer's type from a string.

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.detector.preparation import resized

#: What brings prepared grey values to about the range that ImageNet's normalisation gives.
_CENTRE: Final = 0.5
_SPREAD: Final = 0.15
#: Places that are compared at a time: all at once would take some 40 MB of each worker.
_AT_ONCE: Final = 512


class MemoryBank(nn.Module):
    """Distances to what is remembered; see the head of this file."""

    known: Tensor  #: [places, features], in standard deviations of each feature
    deviation: Tensor  #: [features]

    def __init__(self, backbone: nn.Module) -> None:
        """`backbone`: see `backbone.Backbone`. Until it is filled (`training/fit/memory_bank.py`), it knows one place."""
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
