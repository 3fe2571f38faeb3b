"""Sizes: what thresholds of n calibration pictures detect and reject, over the luck of which pictures they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snag.core.calibration import conformal_threshold, rank_of_threshold


@dataclass(frozen=True)
class SizeLine:
    """One size."""

    count: int
    told: float  #: the false-alarm rate that calibration promises on average
    rejected: float  #: share of the good pictures that did not calibrate, on average
    detected: float  #: share of the defective pictures, on average
    spread: float  #: its standard deviation over the draws (n - 1)
    worst_tenth: float  #: one draw of ten detects less


def size_line(good: Sequence[float], bad: Sequence[float], count: int, rate: float, draws: int, seed: int) -> SizeLine:
    """Draw `count` of the `good` scores `draws` times, calibrate on them, judge the others and all of `bad`."""
    random = np.random.default_rng(seed)
    pool, defects = np.asarray(good, dtype=float), np.asarray(bad, dtype=float)
    detected, rejected = np.empty(draws), np.empty(draws)
    for draw in range(draws):
        order = random.permutation(len(pool))
        threshold = conformal_threshold(pool[order[:count]].tolist(), rate)
        rejected[draw] = (pool[order[count:]] > threshold).mean()
        detected[draw] = (defects > threshold).mean()
    return SizeLine(
        count=count,
        told=(count + 1 - rank_of_threshold(count, rate)) / (count + 1),
        rejected=float(rejected.mean()),
        detected=float(detected.mean()),
        spread=float(detected.std(ddof=1)),
        worst_tenth=float(np.quantile(detected, 0.1)),
    )
