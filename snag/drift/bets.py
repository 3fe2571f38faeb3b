"""Bets: what a stake of 1 becomes at a p-value, for each kind of change; and the stake that is spread over them in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

#: Pictures of one watch. A change may begin with any of them; the more there are, the more of the stake is still unspent.
WATCH: Final = 100_000
#: p-values up to this are suspicious parts, the bulk lies above.
_TAIL: Final = 0.1

Share = float | np.ndarray  #: of one line, or [...] of many side by side
Bet = Callable[[Share], Share]  #: what a stake of 1 becomes at a p-value: on average 1 where p-values are uniform


def _low(share: float, limit: float) -> Bet:
    """On a p-value up to `limit`, with `share` of the stake."""
    return lambda p: 1 - share + share / limit * (p <= limit)


def _high(share: float, limit: float) -> Bet:
    return lambda p: 1 - share + share / limit * (p > 1 - limit)


def _slope(steepness: float) -> Bet:
    """On large p-values, or with negative steepness on small ones."""
    return lambda p: 1 + steepness * (p - 0.5)


def _bulk(bet: Bet) -> Bet:
    """On where in the bulk; a suspicious part decides nothing."""
    return lambda p: 1 + (p > _TAIL) * (bet((p - _TAIL) / (1 - _TAIL)) - 1)


def _worse(share: float, steepness: float) -> Bet:
    """On `share` of the parts being suspicious, and the bulk leaning to them too: more than defects can explain."""
    bulk = _bulk(_slope(steepness))
    return lambda p: share / _TAIL * (p <= _TAIL) + (1 - share) / (1 - _TAIL) * (p > _TAIL) * bulk(p)


_EITHER_WAY: Final[tuple[Bet, ...]] = (
    *(bet(0.7, limit) for bet in (_low, _high) for limit in (0.02, 0.1)),
    *(bet(0.5, 0.3) for bet in (_low, _high)),
    *(_slope(steepness) for steepness in (-1.0, 1.0)),
)
BETS: Final[Mapping[str, tuple[Bet, ...]]] = {
    "exposure": _EITHER_WAY,
    "sharpness": _EITHER_WAY,
    "parts": (
        *(_bulk(_slope(steepness)) for steepness in (-1.6, 0.8, 1.6)),
        _bulk(_high(0.5, 0.1)),
        *(_worse(share, steepness) for share, steepness in ((0.2, -0.8), (0.4, -1.6))),
        *(_low(0.9, limit) for limit in (0.01, _TAIL)),  # almost all of them: that can't be defects either
    ),
    "defects": tuple(_low(share, limit) for share in (0.03, 0.1, 0.3) for limit in (0.01, 0.03, _TAIL)),
}


@dataclass
class Stake:
    """What the bets of one kind have become: 1 at the beginning, on average 1 ever after while nothing changes."""

    bets: tuple[Bet, ...]
    placed: Sequence[Share]
    reserve: float = 1.0  #: not yet placed: the same share of it goes to every bet with each picture

    @property
    def value(self) -> Share:
        """All of it."""
        return self.reserve + sum(self.placed)

    def bet(self, p: Share) -> None:
        """Place a little of the reserve, and have all bets decided by `p`."""
        more = min(self.reserve, 1 / WATCH)
        self.reserve -= more
        self.placed = [(old + more / len(self.bets)) * bet(p) for old, bet in zip(self.placed, self.bets, strict=True)]


def stakes() -> dict[str, Stake]:
    """One for each kind of change, nothing placed yet."""
    return {name: Stake(bets, [0.0] * len(bets)) for name, bets in BETS.items()}
