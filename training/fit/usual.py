"""What is usual of good pictures' maps at each place: their mean and standard deviation, whatever a few of them hide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from snag.detector.preparation import resized
from snag.detector.scoring import local_mean

#: Robust standard deviations beyond which a good part's value is taken for a defect's; normal ones reach so far once in 16,000.
OUTLYING: Final = 4.0


def to_one_size(maps: Sequence[Tensor]) -> Tensor:
    """[1, h, w] each -> [N, h, w] of the most frequent size."""
    (_, height, width), _ = Counter(tuple(each.shape) for each in maps).most_common(1)[0]
    return torch.cat([resized(each[:, None], height, width)[:, 0] for each in maps])


def usual_of(maps: Tensor, window: int, prior: float) -> tuple[Tensor, Tensor]:
    """[N, h, w] of good parts -> mean and standard deviation of each place [h, w].

    Few parts say little of one place: the variance is shrunk towards that of all places as if `prior` more parts had been seen
    (a scaled inverse chi-square prior), and both maps are smoothed over one window. A defect that hides among the good parts
    must not make its place one where anything goes: values are clipped at OUTLYING robust deviations from the median of their
    place (winsorised; Huber, Robust Statistics, 1981, sec. 1.7).
    """
    maps = _clipped(maps, window)
    mean = local_mean(maps.mean(0, keepdim=True), window)[0]
    variance = local_mean((maps - mean).square().mean(0, keepdim=True), window)[0]
    count = len(maps)
    shrunk = (count * variance + prior * variance.mean()) / (count + prior)
    return mean, shrunk.sqrt().clamp(min=1e-6)


def _clipped(maps: Tensor, window: int) -> Tensor:
    """[N, h, w] -> the same, nothing further than OUTLYING robust deviations from the median of its place."""
    middle = maps.quantile(0.5, 0)
    spread = 1.4826 * local_mean((maps - middle).abs().quantile(0.5, 0, keepdim=True), window)[0]
    return middle + (maps - middle).clamp(-OUTLYING * spread, OUTLYING * spread)
