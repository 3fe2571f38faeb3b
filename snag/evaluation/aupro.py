"""AUPRO: area under the per-region-overlap curve (Bergmann et al., IJCV 129, 2021, section 5.1), as a weighted ROC area.

Conventions, as in the data set's own evaluation. A region is an 8-connected component of one picture's ground truth. A pixel is
flagged when its score exceeds the threshold. Per-region overlap: the flagged share of each region, averaged over all regions of
all pictures. False alarm rate: the flagged share of all pixels outside of defects, those of good pictures included. The curve
has a point for each distinct score, joined by straight lines from (0, 0); it is cut by interpolation at the limit, and the area
is divided by the limit, so that a perfect map scores 1 (and a constant one limit / 2).

The mean overlap is the same as a detection rate in which each defective pixel weighs 1 / size of its region.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import ndimage

from snag.evaluation.curves import roc_area
from snag.evaluation.score_histogram import ScoreHistogram

#: Largest false alarm rate of pixels that counts.
FPR_LIMIT: Final = 0.3
_EIGHT_NEIGHBOURS: Final = np.ones((3, 3), dtype=int)


def region_weights(mask: np.ndarray) -> np.ndarray:
    """bool [H, W] -> float64 [H, W]: 1 / size of the region that a pixel belongs to, 0 outside."""
    regions, _ = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    sizes = np.bincount(regions.ravel()).astype(np.float64)
    sizes[0] = np.inf
    return (1.0 / sizes)[regions]


def aupro_score(histogram: ScoreHistogram, limit: float = FPR_LIMIT) -> np.ndarray:
    """AUPRO up to false alarm rate `limit`: [...] in 0..1, NaN without regions or without good pixels."""
    return roc_area(histogram.good, histogram.regions, limit)
