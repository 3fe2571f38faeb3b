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
MEASURED: Final = "measured"  #: nothing was asked: the threshold came from elsewhere, and calibration pictures lie above it
KINDS: Final = (AVERAGE, CONFIDENCE, CHOSEN, MEASURED)
_UNRANKED: Final = (CHOSEN, MEASURED)


@dataclass(frozen=True)
class Guarantee:
    """The false-alarm rates that a threshold keeps for good parts like its calibration pictures."""

    kind: str  #: one of KINDS
    count: int  #: calibration pictures
    rank: int | None  #: the threshold is the rank-th smallest of their scores; None where it is CHOSEN or MEASURED
    confidence: float  #: over the draw of the calibration pictures, 0.5..1
    bound: float  #: the true rate is at most this, with the confidence
    needed: int | None = None  #: the fewest pictures with which CONFIDENCE can keep the asked rate; None where none was asked
    #: Pictures in all, and what they would buy: the bound (AVERAGE), or the lowest rate that can be kept (CONFIDENCE).
    outlook: tuple[tuple[int, float], ...] = ()
    rate: float | None = None  #: that was asked for; None: none was, or a file from before it stood here
    above: int | None = None  #: MEASURED: how many calibration pictures lie above the threshold
    low: float | None = None  #: MEASURED: the true rate lies between this and the bound, with the confidence
    left_out: int = 0  #: calibration pictures that a person said are no good parts
    if_good: Guarantee | None = None  #: what holds if those left out were good parts after all; None: none were left out

    @property
    def average(self) -> float | None:
        """The rate on average over calibrations; scores that tie only lower it."""
        return None if self.rank is None else (self.count + 1 - self.rank) / (self.count + 1)

    @property
    def sentence(self) -> str:
        """What is promised, in parts; where pictures were left out, also what is if that was a mistake."""
        if self.if_good is None:
            return self._told
        one = "the picture left out is no good part. If it was one"
        if self.left_out > 1:
            one = f"the {self.left_out} pictures left out are no good parts. If they were"
        return f"{self._told} That is so if {one} after all: {self.if_good.sentence}"

    @property
    def _told(self) -> str:
        if self.kind == MEASURED:
            low, high = _outward(self.low or 0.0, self.bound)
            return (
                f"No false-alarm rate is promised; {self.above} of {self.count} calibration pictures lie above the threshold "
                f"({_percent(self.confidence)}: {low} to {high} % of good parts, if it was not chosen by these pictures)."
            )
        parts, sure = _base(self.average or self.bound), f"with {_percent(self.confidence)} confidence"
        at_most = _parts(self.bound, parts)
        if self.average is None:
            return (
                f"Of {parts:,} good parts, {sure} at most {at_most} are rejected: "
                "a threshold that was chosen by its results is promised less."
            )
        usually, asked = _parts(self.average, parts), self._asked(parts)
        if self.kind == CONFIDENCE:
            return f"Of {parts:,} good parts, {sure} at most {at_most} are rejected{asked}; on average at most {usually}."
        return f"Of {parts:,} good parts, on average at most {usually} are rejected{asked}; {sure} at most {at_most}."

    def _asked(self, parts: int) -> str:
        """What was asked for, where the pictures keep less than that."""
        told = self.average if self.kind == AVERAGE else self.bound
        if self.rate is None or told is None or told >= self.rate or _parts(told, parts) == _parts(self.rate, parts):
            return ""
        return f" (asked: {self.rate * parts:,.4g})"

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
    left_out, if_good = fields.get("left_out", 0), fields.pop("if_good", None)
    found = Guarantee(outlook=outlook, if_good=if_good and read_guarantee(if_good, count + left_out), **fields)
    known = found.kind in KINDS and (found.rank is None) == (found.kind in _UNRANKED)
    if not known or found.count != count or not (found.rank is None or 1 <= found.rank <= count):
        raise ValueError("its guarantee is of other pictures")
    rates = [found.bound, *([] if found.rate is None else [found.rate]), *(rate for _, rate in outlook)]
    if not (0.5 <= found.confidence < 1 and all(0 < rate <= 1 for rate in rates)):
        raise ValueError("its guarantee holds rates that are none")
    if found.kind == MEASURED and not (0 <= (found.above or 0) <= count and 0 <= (found.low or 0.0) <= found.bound):
        raise ValueError("its guarantee measures a share that is none")
    return found


def _base(rate: float) -> int:
    """1,000 parts, or as many more as it takes for one of them to be rejected."""
    return 10 ** max(3, math.ceil(-math.log10(rate)))


def _parts(rate: float, parts: int) -> str:
    """Rounded up, for it is said to be at most that."""
    return f"{math.ceil(round(rate * parts, 6)):,}"


def _percent(share: float) -> str:
    return f"{100 * share:.6g} %"


def _outward(low: float, high: float) -> tuple[str, str]:
    """Both ends in percent, two digits of the higher, rounded away from each other."""
    digits = max(0, 1 - math.floor(math.log10(100 * high)))
    step = 10**digits
    return f"{math.floor(100 * low * step) / step:.{digits}f}", f"{math.ceil(100 * high * step) / step:.{digits}f}"
