"""Score histograms: how much good and how much bad lies at each score level; of pictures exactly, of pixels in a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

#: Bits of a float32 that are dropped to make a pixel's level. 10 leaves sign, exponent and 13 bits of the fraction: levels are
#: 0.012 % apart, and three tables of 2^22 levels (96 MiB) serve any number of pixels.
FINE_SHIFT: Final = 10
_SIGN: Final = np.uint32(1 << 31)


@dataclass(frozen=True)
class ScoreHistogram:
    """Weights per score level, highest level first."""

    levels: np.ndarray  #: [L], strictly falling
    good: np.ndarray  #: [L]
    bad: np.ndarray  #: [L]
    regions: np.ndarray  #: [L] each pixel of a defect weighs 1 / size of its region; of pictures the same as `bad`


def picture_histogram(is_bad: np.ndarray, scores: np.ndarray) -> ScoreHistogram:
    """Count n pictures by their exact scores [n]; infinite ones are ties at the top.

    Raises ValueError for a score that is not a number.
    """
    scores = np.asarray(scores, dtype=np.float64)
    is_bad = np.asarray(is_bad, dtype=bool)
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    levels, places = np.unique(scores, return_inverse=True)
    good, bad = (np.bincount(places[chosen], minlength=len(levels))[::-1].astype(np.float64) for chosen in (~is_bad, is_bad))
    return ScoreHistogram(levels[::-1], good, bad, bad)


@dataclass
class PixelHistogram:
    """Collects the pixels of picture after picture; its size does not grow with their number.

    Areas computed from `total()` are exact for scores rounded to 14 significant binary digits; `rounding_bound` says how far
    AUROC can be from that of unrounded ones (some 1e-5).
    """

    _good: np.ndarray = field(default_factory=lambda: np.zeros(1 << (32 - FINE_SHIFT), np.int64))
    _bad: np.ndarray = field(default_factory=lambda: np.zeros(1 << (32 - FINE_SHIFT), np.int64))
    _regions: np.ndarray = field(default_factory=lambda: np.zeros(1 << (32 - FINE_SHIFT), np.float64))

    def add(self, anomaly_map: np.ndarray, region_weights: np.ndarray | None) -> None:
        """Add one picture: its map [H, W], float32, and its defects' weights [H, W] (see aupro.py; None: a good picture).

        Raises ValueError for a map that holds something that is no number.
        """
        if np.isnan(anomaly_map).any():
            raise ValueError("the anomaly map holds something that is not a number")
        keys = _keys(anomaly_map.ravel()) >> FINE_SHIFT
        first = int(keys.min())
        keys = (keys - first).astype(np.int64)
        weights = np.zeros(0) if region_weights is None else region_weights.ravel()
        is_bad = weights > 0
        bad = np.bincount(keys[is_bad]) if is_bad.any() else np.zeros(1, np.int64)
        regions = np.bincount(keys[is_bad], weights[is_bad]) if is_bad.any() else np.zeros(1)
        good = np.bincount(keys)
        good[: len(bad)] -= bad
        for table, counts in ((self._good, good), (self._bad, bad), (self._regions, regions)):
            table[first : first + len(counts)] += counts

    @property
    def pixels(self) -> int:
        """How many pixels were added."""
        return int(self._good.sum() + self._bad.sum())

    @property
    def region_count(self) -> int:
        """How many regions of defects the pixels made up."""
        return round(float(self._regions.sum()))

    def total(self) -> ScoreHistogram:
        """All pixels together, weights [L]."""
        occupied = np.flatnonzero(self._good + self._bad)[::-1]
        levels = _values(occupied.astype(np.uint32) << np.uint32(FINE_SHIFT))
        return ScoreHistogram(levels, self._good[occupied], self._bad[occupied], self._regions[occupied])

    def rounding_bound(self) -> float:
        """By how much at most rounding may have moved the pixels' AUROC; NaN without both classes.

        Half of all pairs of a good and a bad pixel that share a level, but for level 0: those were equal before.
        """
        histogram = self.total()
        pairs = np.where(histogram.levels == 0, 0.0, histogram.good.astype(np.float64) * histogram.bad).sum()
        total = float(histogram.good.sum()) * float(histogram.bad.sum())
        return float(pairs / (2 * total)) if total else float("nan")


def _keys(scores: np.ndarray) -> np.ndarray:
    """float32 [n] -> uint32 [n] in the same order (IEEE 754: of positive floats the bits already are)."""
    bits = (scores.astype(np.float32) + np.float32(0)).view(np.uint32)  # + 0 makes -0 equal 0
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _values(keys: np.ndarray) -> np.ndarray:
    """The way back from `_keys`."""
    bits = np.where(keys & _SIGN, keys ^ _SIGN, ~keys)
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)
