"""History: the rank of each new picture among calibration and line together, of one line or of many side by side.

Each calibration picture has a number drawn once and for all, and each new picture draws one: what ties in value is ordered by
them. So all pictures stand in one order that the line and the calibration share, as if nothing tied, and the rank of the next
one is uniform whatever the ranks before it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np


class History:
    """How many pictures fell between which neighbours of calibration, from the greatest value down."""

    def __init__(self, cells: np.ndarray, tie_breakers: np.ndarray) -> None:
        """`cells` [n + 1, ...] of n calibration pictures begins with ones; `tie_breakers` [n, ...]. Further axes are lines."""
        self._up_to = np.concatenate([np.zeros_like(cells[:1]), np.cumsum(cells, 0)])  # in the cells before each, and in all
        self._tie_breakers = tie_breakers
        self._places = np.arange(len(self._up_to)).reshape(-1, *[1] * (cells.ndim - 1))
        self._lines = np.indices(cells.shape[1:], sparse=True)

    @property
    def count(self) -> int:
        """Of cells."""
        return len(self._up_to) - 1

    @property
    def cells(self) -> np.ndarray:
        """[n + 1, ...], the calibration pictures counted in."""
        return np.diff(self._up_to, axis=0)

    def p_value(self, above: Any, at_least: Any, draws: np.ndarray) -> Any:
        """Rank of a new picture among all so far, as a share [...]; then it counts too.

        `above` calibration pictures have a greater value, `at_least` a greater one or the same [...]; `draws` [2, ...], uniform
        in [0, 1), is what orders it among those that tie, and where it stands in its cell: there the order is random.
        """
        cell = above + self._tied_before(above, at_least, draws[0]) if np.count_nonzero(at_least != above) else above
        before, up_to = self._up_to[(cell, *self._lines)], self._up_to[(cell + 1, *self._lines)]
        share = (before + draws[1] * (up_to - before)) / self._up_to[-1]
        self._up_to += self._places > cell
        return share

    def _tied_before(self, above: Any, at_least: Any, draw: Any) -> Any:
        known = self._places[:-2]
        return ((known >= above) & (known < at_least) & (self._tie_breakers > draw)).sum(0)


def drawn(seed: str, count: int) -> np.ndarray:
    """`count` numbers in [0, 1) that look drawn at random and are the same for the same seed: a log can be watched again."""
    return np.frombuffer(hashlib.shake_256(seed.encode()).digest(8 * count), "<u8") / 2.0**64
