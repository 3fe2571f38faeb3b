"""Martingale: evidence that a line is no longer the one that was calibrated, with a bound on how often it is wrong.

While nothing has changed, the pictures of the line and those of calibration could be swapped for each other. Then the rank of
a new picture among all of them, ties ordered at random, is uniform whatever the ranks before it (`History`). Whoever bets on
such ranks can't get rich: a stake, mixed from bets on kinds of change and on the picture with which the change began, is a
martingale, and the probability that it ever reaches c times its start is at most 1/c (Ville 1939; Vovk, Gammerman and Shafer,
Algorithmic Learning in a Random World, 2nd ed. 2022, ch. 8). There are four stakes, so that an alarm can name its cause: on
how the pictures are taken (exposure, sharpness), on the scores of the bulk of the parts, and on the share of suspicious parts.
An alarm is raised where one of the four has grown 4/ALPHA times, so that of 1/ALPHA watches over a line that does not change at
most one ends in an alarm, on average. A watch lasts until its alarm or for WATCH pictures; then the next begins.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

#: Of 1/ALPHA watches over an unchanged line at most one ends in an alarm.
ALPHA: Final = 0.001
#: Pictures of one watch. A change may begin with any of them; the more there are, the more of the stake is still unspent.
WATCH: Final = 100_000
#: p-values up to this are suspicious parts, the bulk lies above.
_TAIL: Final = 0.1
#: A cause is named before the next one where its evidence is at least this share of the strongest.
_PRECEDENCE: Final = 0.5

Place = tuple[int, int, int]  #: calibration pictures above, calibration pictures above or equal, calibration pictures plus one
Bet = Callable[[float], float]  #: what a stake of 1 becomes at a p-value: on average 1 where p-values are uniform


def _low(share: float, limit: float) -> Bet:
    """On a p-value up to `limit`, with `share` of the stake."""
    return lambda p: 1 - share + (share / limit if p <= limit else 0.0)


def _high(share: float, limit: float) -> Bet:
    return lambda p: 1 - share + (share / limit if p > 1 - limit else 0.0)


def _slope(steepness: float) -> Bet:
    """On large p-values, or with negative steepness on small ones."""
    return lambda p: 1 + steepness * (p - 0.5)


def _bulk(bet: Bet) -> Bet:
    """On where in the bulk; a suspicious part decides nothing."""
    return lambda p: 1.0 if p <= _TAIL else bet((p - _TAIL) / (1 - _TAIL))


def _worse(share: float, steepness: float) -> Bet:
    """On `share` of the parts being suspicious, and the bulk leaning to them too: more than defects can explain."""
    bulk = _bulk(_slope(steepness))
    return lambda p: share / _TAIL if p <= _TAIL else (1 - share) / (1 - _TAIL) * bulk(p)


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
#: What each bets on the ranks of.
_PROPERTY: Final = {"exposure": "exposure", "sharpness": "sharpness", "parts": "score", "defects": "score"}
PROPERTIES: Final = ("score", "exposure", "sharpness")
CAUSES: Final = ("pictures", "parts", "defects")
ALARM: Final = math.log(len(BETS) / ALPHA)  #: evidence at which an alarm is raised


@dataclass
class History:
    """How many pictures fell between which neighbours of calibration, both counted, from the greatest value down."""

    cells: list[int]

    def p_value(self, place: Place, chance: float) -> float:
        """Rank of a new picture among all so far, as a share; `chance`, uniform in [0, 1), orders what ties.

        Within a cell order is random, so that only the cell must be known. A picture that ties with calibration pictures falls
        into one of the cells around them with the odds that the pictures before it give: an urn of Pólya's. Then it counts too.
        """
        above, at_least, _ = place
        below_it, tied = sum(self.cells[:above]), sum(self.cells[above : at_least + 1])
        position, total = below_it + chance * tied, sum(self.cells)
        cell, passed = above, below_it + self.cells[above]
        while cell < at_least and position >= passed:
            cell += 1
            passed += self.cells[cell]
        self.cells[cell] += 1
        return position / total


@dataclass
class Stake:
    """What the bets of one kind have become: 1 at the beginning, on average 1 ever after while nothing changes."""

    bets: tuple[Bet, ...]
    placed: list[float]
    reserve: float = 1.0  #: not yet placed: the same share of it goes to every bet with each picture

    @property
    def value(self) -> float:
        """All of it."""
        return self.reserve + sum(self.placed)

    def bet(self, p: float) -> None:
        """Place a little of the reserve, and have all bets decided by `p`."""
        more = min(self.reserve, 1 / WATCH)
        self.reserve -= more
        self.placed = [(old + more / len(self.bets)) * bet(p) for old, bet in zip(self.placed, self.bets, strict=True)]


@dataclass(frozen=True)
class Alarm:
    """The line has changed."""

    cause: str  #: of CAUSES
    evidence: dict[str, float]  #: natural logarithm of each stake
    pictures: int  #: since the watch began


@dataclass
class Watch:
    """Watches one model's pictures of one group, alarm after alarm."""

    calibration: str  #: whose ranks they are
    seen: int = 0  #: pictures, all watches together
    begun: int = 0  #: `seen` when this watch began
    histories: dict[str, History] = field(default_factory=dict)
    stakes: dict[str, Stake] = field(default_factory=lambda: _stakes())
    alarms: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CAUSES, 0))

    @property
    def evidence(self) -> dict[str, float]:
        """Natural logarithm of each stake; about 0 while nothing changes."""
        return {name: math.log(max(stake.value, 1e-300)) for name, stake in self.stakes.items()}

    def see(self, places: Mapping[str, Place]) -> Alarm | None:
        """One more picture, by its places among the calibration pictures; the alarm that it raises."""
        self.seen += 1
        values = {name: self._p_value(name, place) for name, place in places.items() if name in PROPERTIES}
        for name, stake in self.stakes.items():
            if (p := values.get(_PROPERTY[name])) is not None:
                stake.bet(p)
        pictures, evidence = self.seen - self.begun, self.evidence
        is_alarm = max(evidence.values()) >= ALARM
        if is_alarm or pictures >= WATCH:
            self.begun, self.histories, self.stakes = self.seen, {}, _stakes()
        if not is_alarm:
            return None
        alarm = Alarm(cause_of(evidence), evidence, pictures)
        self.alarms[alarm.cause] += 1
        return alarm

    def _p_value(self, name: str, place: Place) -> float:
        history = self.histories.get(name)
        if history is None or len(history.cells) != place[2]:
            history = self.histories[name] = History([1] * place[2])
        return history.p_value(place, chance(f"{self.calibration}/{name}/{self.seen}"))

    def state(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {
            "calibration": self.calibration,
            "seen": self.seen,
            "begun": self.begun,
            "histories": {name: history.cells for name, history in self.histories.items()},
            "stakes": {name: [stake.reserve, *stake.placed] for name, stake in self.stakes.items()},
            "alarms": self.alarms,
        }


def watch_of(state: Mapping[str, Any]) -> Watch:
    """Back from `Watch.state`. Raises ValueError, TypeError, KeyError or AttributeError for anything else."""
    stakes = {name: [float(part) for part in state["stakes"][name]] for name in BETS}
    if any(
        len(parts) != 1 + len(BETS[name]) or not all(0 <= part < math.inf for part in parts) for name, parts in stakes.items()
    ):
        raise ValueError("stakes of other bets")
    return Watch(
        calibration=str(state["calibration"]),
        seen=int(state["seen"]),
        begun=int(state["begun"]),
        histories={name: History([int(count) for count in state["histories"][name]]) for name in state["histories"]},
        stakes={name: Stake(BETS[name], placed, reserve) for name, (reserve, *placed) in stakes.items()},
        alarms={cause: int(state["alarms"][cause]) for cause in CAUSES},
    )


def cause_of(evidence: Mapping[str, float]) -> str:
    """The cause that explains the most: other pictures change the scores too, other parts the share of suspicious ones."""
    enough = _PRECEDENCE * max(evidence.values())
    if max(evidence["exposure"], evidence["sharpness"]) >= enough:
        return "pictures"
    return "parts" if evidence["parts"] >= enough else "defects"


def chance(seed: str) -> float:
    """A number in [0, 1) that looks drawn at random and is the same for the same seed: a log can be watched again."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:6]) / 2**48


def _stakes() -> dict[str, Stake]:
    return {name: Stake(bets, [0.0] * len(bets)) for name, bets in BETS.items()}
