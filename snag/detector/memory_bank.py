"""A memory bank: what places of good pictures look like to ImageNet's features, and how far from it a picture's places are.

After Roth et al., Towards Total Recall in Industrial Anomaly Detection (PatchCore), CVPR 2022: the distance is that to the
nearest remembered place.
"""

# No `from __future__ import annotations` here: TorchScript can't read a buffer's type from a string.

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.detector.preparation import resized
from snag.detector.scoring import local_mean, standardised

#: Places that are compared at a time: what they give stays in a core's own cache until the least of it is taken.
_AT_ONCE: Final = 128
#: Side of the local mean over distances, places: what only one place is unlike is noise.
SMOOTH: Final = 3


class MemoryBank(nn.Module):
    """Distances to what is remembered, in standard deviations of good pictures; see the head of this file."""

    whitening: Tensor  #: [features, numbers]: makes the features of good places uncorrelated, of about unit variance
    known: Tensor  #: [places, numbers], whitened
    compared: Tensor  #: [numbers + 1, places]: -2 known, and below it the squared length of each
    mean: Tensor  #: [h, w] (or [1, 1]): usual distance at each place
    deviation: Tensor  #: [h, w] (or [1, 1]): its standard deviation

    def __init__(self, features: int) -> None:
        """Until it is filled (`training/fit/memory.py`), it knows one place."""
        super().__init__()
        self.at_once, self.smooth = _AT_ONCE, SMOOTH
        self.register_buffer("whitening", torch.eye(features))
        self.register_buffer("mean", torch.zeros(1, 1))
        self.register_buffer("deviation", torch.ones(1, 1))
        self.remember(torch.zeros(1, features))

    def remember(self, places: Tensor) -> None:
        """Remember whitened places [places, numbers], and nothing else."""
        self.register_buffer("known", places)
        self.register_buffer("compared", torch.cat([-2.0 * places, places.square().sum(1, keepdim=True)], 1).t().contiguous())

    def forward(self, features: Tensor) -> Tensor:
        """Features [N, features, h, w] to standard deviations farther than usual [N, h, w]."""
        distance = self.distance(features)
        mean, deviation = fitted(self.mean, distance), fitted(self.deviation, distance)
        return standardised(distance, mean, deviation)

    @torch.jit.export
    def distance(self, features: Tensor) -> Tensor:
        """Features [N, features, h, w] to distances [N, h, w], smoothed."""
        asked = features.permute(0, 2, 3, 1).flatten(0, 2) @ self.whitening
        length = asked.square().sum(1)
        # |a - k|² = |a|² - 2 a k + |k|²: with a 1 beside a, one product gives the last two.
        asked = functional.pad(asked, [0, 1], value=1.0)
        nearest: list[Tensor] = []
        for part in asked.split(self.at_once):
            nearest.append(torch.mm(part, self.compared).amin(1))
        squared = (length + torch.cat(nearest)).clamp(min=0.0)
        distance = squared.sqrt().view(features.shape[0], features.shape[2], features.shape[3])
        return local_mean(distance, self.smooth)


def fitted(places: Tensor, raw: Tensor) -> Tensor:
    """A map of places [h, w] at the working size of raw maps [N, h', w']: itself, or [N, h', w'].

    Every step has an operand that only the picture knows, for equal bytes: see the head of this package.
    """
    count, height, width = raw.shape[0], raw.shape[1], raw.shape[2]
    if places.shape[0] == height and places.shape[1] == width:
        return places
    return resized(places.expand(count, 1, -1, -1), height, width)[:, 0]
