"""What good parts' maps look like: fitted to parts that neither networks nor memory saw in training."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import Final

import torch
from torch import Tensor

from snag.detector.detector import Detector
from snag.training.fit import memory
from snag.training.fit.usual import to_one_size, usual_of

#: How little or much a standard deviation of the memory may count beside the logarithm of the error.
LEAST_WEIGHT: Final = 0.25
MOST_WEIGHT: Final = 2.0
#: Parts that the weight of the memory is found by, at most; more only cost time.
ENOUGH: Final = 48
#: So many good parts more, as far as all places go, are seen at each place of the errors: few say little of one.
PRIOR: Final = 16.0


@torch.no_grad()
def fit_standardisation(detector: Detector, prepared: Sequence[Tensor], prior: float = PRIOR) -> None:
    """Set the detector's mean and deviation for each place from good parts [c, H, W] that training never saw.

    The same for distances, where there is a memory, and how much they weigh. Parts of several sizes meet at the most frequent
    one; for `prior` see `usual_of`.
    """
    if detector.score_kind == "mse":
        return
    maps = to_one_size([detector.raw_maps(detector.view(part[None].float())).raw for part in prepared])
    detector.mean, detector.deviation = usual_of(maps, detector.window, prior)
    if detector.memory is not None:
        memory.standardise(detector.memory, prepared)
        detector.memory_weight = memory_weight(detector, prepared[:: -(-len(prepared) // ENOUGH)])


def memory_weight(detector: Detector, prepared: Sequence[Tensor]) -> float:
    """What makes networks and memory find as much as each other at the worst places of good parts [c, H, W].

    A defect is where they find more than that: the one that finds much in good parts anyway has less to say.
    """
    scored = [detector.score_prepared(part[None].float()) for part in prepared]
    errors = mean(float(found.error_map.amax()) for found in scored)
    distances = mean(float(found.memory_map.amax()) for found in scored)
    return min(max(detector.memory_weight * errors / max(distances, 1e-6), LEAST_WEIGHT), MOST_WEIGHT)
