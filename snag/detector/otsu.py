"""Otsu's criterion (IEEE Trans. SMC 9(1), 1979): how well each level of a histogram tells two groups apart."""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

from torch import Tensor


def variance_between(share: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
    """Variance between what lies up to each step of a histogram and the rest, [steps], and the mean of all, [].

    `share` [steps] sums to 1; `levels` [steps] are the middles of the steps.
    """
    below, mean = share.cumsum(0), (share * levels).cumsum(0)
    return (mean[-1] * below - mean).square() / (below * (1.0 - below)).clamp(min=1e-9), mean[-1]
