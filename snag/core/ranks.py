"""Where a new picture stands among the calibration pictures, as a header that carries it from the worker to whoever watches.

A worker sees some of a line's pictures, the gate all of them: there the ranks become evidence of drift.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from snag.core.calibration import Calibration, Standard
from snag.core.capture_reference import CaptureReference

RANKS_HEADER: Final = "Snag-Ranks"
#: How many calibration pictures have more, how many at least as much, and how many there are, plus one.
Place = tuple[int, int, int]
_PLACE: Final = re.compile(r"(\w{1,32})=(\d{1,9})-(\d{1,9})/(\d{1,9})", re.ASCII)
_MOST: Final = 1_000_000  #: places of one property: the watch keeps a count for each


@dataclass(frozen=True)
class Ranks:
    """The places of one picture."""

    calibration: str  #: short name of the calibration: places of another one can't be compared
    places: Mapping[str, Place]  #: by what was measured: score, exposure, sharpness


def place_of(value: float, known: Sequence[float]) -> Place:
    """Where `value` stands among `known`, which is sorted ascending."""
    return len(known) - bisect_right(known, value), len(known) - bisect_left(known, value), len(known) + 1


def places_of(
    score: float, conditions: Mapping[str, float], standard: Standard, reference: CaptureReference | None
) -> dict[str, Place]:
    """A picture's places among the calibration pictures by which it is judged; `conditions` is its exposure and sharpness."""
    known = reference.values.get(standard.name, {}) if reference else {}
    places = {name: place_of(value, known[name]) for name, value in conditions.items() if name in known}
    return {"score": place_of(score, standard.known.scores), **places}


def name_of(calibration: Calibration) -> str:
    """Eight characters that another calibration does not share."""
    made_from = f"{calibration.artifact} {calibration.data_digest} {calibration.created}"
    return hashlib.sha256(made_from.encode()).hexdigest()[:8]


def ranks_text(ranks: Ranks) -> str:
    """The header: `1a2b3c4d score=3-3/65 exposure=40-41/65`."""
    return " ".join([ranks.calibration, *(f"{name}={more}-{least}/{of}" for name, (more, least, of) in ranks.places.items())])


def parse_ranks(text: str | None) -> Ranks | None:
    """Back from `ranks_text`; None for anything else."""
    calibration, *parts = (text or "").split() or [""]
    found = [match.groups() for part in parts if (match := _PLACE.fullmatch(part))]
    places = {name: (int(more), int(least), int(of)) for name, more, least, of in found}
    if not calibration or len(found) != len(parts) or not places:
        return None
    return Ranks(calibration, places) if all(more <= least < of <= _MOST for more, least, of in places.values()) else None
