"""A line made of measured pictures: calibration and stream are drawn from one pool, until something changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.drift.measure import DEFECTS, QUIET, Seen
from snag.core.ranks import place_of
from snag.drift.martingale import PROPERTIES, Alarm, Watch

#: Of the parts on a line that runs as ever.
USUAL_DEFECTS: Final = 0.01
BURST: Final = 0.15


@dataclass(frozen=True)
class Noticed:
    """When and as what a change was noticed."""

    delay: int | None  #: pictures from the change to the alarm; None: not among all that came
    cause: str | None
    early: int  #: alarms before anything had changed


class MeasuredLine:
    """Draws pictures with replacement: they are exchangeable with calibration's, which were drawn in the same way."""

    def __init__(self, pool: Mapping[str, Sequence[Seen]], count: int, seed: int) -> None:
        self._pool = {name: np.array(values) for name, values in pool.items()}
        self._random = np.random.default_rng([seed, count])
        known = self._pool[QUIET][self._random.integers(0, len(self._pool[QUIET]), count)]
        self._known = {name: sorted(known[:, column].tolist()) for column, name in enumerate(PROPERTIES)}
        self.watch = Watch(f"{seed}/{count}")

    def pictures(self, count: int, kind: str = QUIET, defects: float = USUAL_DEFECTS) -> list[Alarm | None]:
        """So many pictures of a kind go by; what each of them raises."""
        found = []
        for is_bad in self._random.random(count) < defects:
            values = self._pool[DEFECTS if is_bad else kind]
            seen = values[self._random.integers(len(values))].tolist()
            found.append(
                self.watch.see({name: place_of(value, self._known[name]) for name, value in zip(PROPERTIES, seen, strict=True)})
            )
        return found


def noticed(line: MeasuredLine, quiet: int, change: str, patience: int) -> Noticed:
    """Let the line run for `quiet` pictures, then change it."""
    early = sum(alarm is not None for alarm in line.pictures(quiet))
    for number in range(1, patience + 1):
        more = {"defects": BURST} if change == DEFECTS else {"kind": change}
        if (alarm := line.pictures(1, **more)[0]) is not None:  # type: ignore[arg-type]
            return Noticed(number, alarm.cause, early)
    return Noticed(None, None, early)
