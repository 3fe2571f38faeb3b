"""Many lines side by side, watched by the product's own martingale: so thousands of watches take minutes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from snag.core.ranks import place_of
from snag.drift.bets import BETS
from snag.drift.history import History
from snag.drift.martingale import ALARM, PROPERTIES, Martingale

#: What one picture of each line shows: by property, which of the known values [lines].
Pictures = Mapping[str, np.ndarray]
_LEVEL: Final = float(np.exp(ALARM))


class ManyLines:
    """Lines that each have their own calibration pictures, all with values out of one list for each property."""

    def __init__(self, values: Mapping[str, np.ndarray], calibration: Mapping[str, np.ndarray], seed: int) -> None:
        """`values` [k] by property, `calibration` [n, lines] which of them the calibration pictures have."""
        self._random = np.random.default_rng([seed, 1])
        self.count, self.lines = calibration[PROPERTIES[0]].shape
        self._places = {name: _places(values[name], calibration[name]) for name in PROPERTIES}
        cells = np.ones((self.count + 1, self.lines), np.int32)
        self._martingale = Martingale(
            {name: History(cells, self._random.random((self.count, self.lines))) for name in PROPERTIES}
        )
        self._each = np.arange(self.lines)

    def alarms(self, stream: Iterable[Pictures]) -> np.ndarray:
        """With which picture of the stream each line raised its alarm, the end of its watch; 0 where none was raised."""
        found = np.zeros(self.lines, np.int64)
        for number, pictures in enumerate(stream, 1):
            places = {name: self._places[name][:, pictures[name], self._each] for name in PROPERTIES}
            draws = {name: self._random.random((2, self.lines)) for name in PROPERTIES}
            self._martingale.see({name: (above, at_least) for name, (above, at_least) in places.items()}, draws)
            most = np.max([self._martingale.stakes[name].value for name in BETS], axis=0)
            found[(found == 0) & (most >= _LEVEL)] = number
            if found.all():
                break
        return found


def _places(values: np.ndarray, calibration: np.ndarray) -> np.ndarray:
    """[2, k, lines]: above and at least, of each value on each line."""
    found = np.empty((2, len(values), calibration.shape[1]), np.int32)
    for line, chosen in enumerate(calibration.T):
        known = np.sort(values[chosen]).tolist()
        found[:, :, line] = np.array([place_of(value, known)[:2] for value in values.tolist()]).T
    return found
