"""What a threshold promises of good parts, in numbers and in a sentence for a quality engineer.

The numbers are worked out at calibration (`training/calibration/guarantee.py`) and travel in
calibration.json: a worker needs no statistics.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

AVERAGE: Final = "average"  #: the asked rate is kept on average over the luck of which pictures calibration drew
CONFIDENCE: Final = "confidence"  #: it is kept by this very threshold, with the stated confidence
CHOSEN: Final = "chosen"  #: nothing was asked: the threshold was chosen by its results on labelled defects
KINDS: Final = (AVERAGE, CONFIDENCE, CHOSEN)


@dataclass(frozen=True)
class Guarantee:
    """The false-alarm rates that a threshold keeps for good parts like its calibration pictures."""

    kind: str  #: one of KINDS
    count: int  #: calibration pictures
    rank: int | None  #: the threshold is the rank-th smallest of their scores; None where it is CHOSEN
    confidence: float  #: over the draw of the calibration pictures, 0.5..1
    bound: float  #: the true rate is at most this, with the confidence
    needed: int | None = None  #: the fewest pictures with which CONFIDENCE can keep the asked rate; None where it is CHOSEN
    #: Pictures in all, and what they would buy: the bound (AVERAGE), or the lowest rate that can be kept (CONFIDENCE).
    outlook: tuple[tuple[int, float], ...] = ()

    @property
    def average(self) -> float | None:
        """The rate on average over calibrations; scores that tie only lower it."""
        return None if self.rank is None else (self.count + 1 - self.rank) / (self.count + 1)

    @property
    def sentence(self) -> str:
        """What is promised, in parts."""
        parts, sure = _base(self.average or self.bound), f"with {_percent(self.confidence)} confidence"
        at_most = _parts(self.bound, parts)
        if self.average is None:
            return (
                f"Of {parts:,} good parts, {sure} at most {at_most} are rejected: "
                "a threshold that was chosen by its results is promised less."
            )
        usually = _parts(self.average, parts)
        if self.kind == CONFIDENCE:
            return f"Of {parts:,} good parts, {sure} at most {at_most} are rejected; on average at most {usually}."
        return f"Of {parts:,} good parts, on average at most {usually} are rejected; {sure} at most {at_most}."

    @property
    def prospect(self) -> str:
        """What more calibration pictures would buy; empty where nothing is known of that."""
        if not self.outlook or self.average is None:
            return ""
        parts, (first, *others) = _base(self.average), self.outlook
        if self.kind == CONFIDENCE:
            rest = "".join(f", {count:,} to at most {_parts(rate, parts)}" for count, rate in others)
            return (
                f"{first[0]:,} calibration pictures instead of {self.count:,} could hold it to at most "
                f"{_parts(first[1], parts)}{rest}."
            )
        rest = "".join(f", with {count:,} {_parts(rate, parts)}" for count, rate in others)
        own = (
            f" {self.needed:,} pictures are enough for PROMISE=confidence." if self.needed and self.needed > self.count else ""
        )
        return (
            f"With {first[0]:,} calibration pictures instead of {self.count:,} it would be at most "
            f"{_parts(first[1], parts)}{rest}.{own}"
        )


def read_guarantee(fields: Mapping[str, Any], count: int) -> Guarantee:
    """Back from the file, for `count` calibration pictures. Raises ValueError, TypeError or KeyError for anything else."""
    fields = dict(fields)
    outlook = tuple((int(pictures), float(rate)) for pictures, rate in fields.pop("outlook"))
    found = Guarantee(outlook=outlook, **fields)
    known = found.kind in KINDS and (found.rank is None) == (found.kind == CHOSEN)
    if not known or found.count != count or not (found.rank is None or 1 <= found.rank <= count):
        raise ValueError("its guarantee is of other pictures")
    if not (0.5 <= found.confidence < 1 and 0 < found.bound <= 1 and all(0 < rate <= 1 for _, rate in outlook)):
        raise ValueError("its guarantee holds rates that are none")
    return found


def _base(rate: float) -> int:
    """1,000 parts, or as many more as it takes for one of them to be rejected."""
    return 10 ** max(3, math.ceil(-math.log10(rate)))


def _parts(rate: float, parts: int) -> str:
    """Rounded up, for it is said to be at most that."""
    return f"{math.ceil(round(rate * parts, 6)):,}"


def _percent(share: float) -> str:
    return f"{100 * share:.6g} %"
