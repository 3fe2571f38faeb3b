"""Martingale: evidence that a line is no longer the one that was calibrated, with a bound on how often it is wrong.

While nothing has changed, the pictures of the line and those of calibration could be swapped for each other. Then the rank of
a new picture among all of them is uniform whatever the ranks before it (`snag/drift/history.py`). Whoever bets on such ranks
can't get rich on average: a stake, mixed from bets on kinds of change and on the picture with which the change began, is a
martingale, and the probability that it ever reaches c times its start is at most 1/c (Ville 1939; Vovk, Gammerman and Shafer,
Algorithmic Learning in a Random World, 2nd ed. 2022, ch. 8). There are four stakes, so that an alarm can name its cause: on
how the pictures are taken (exposure, sharpness), on the scores of the bulk of the parts, and on the share of suspicious parts.
An alarm is raised where one of the four has grown 4/ALPHA times, so that of 1/ALPHA watches over a line that does not change at
most one ends in an alarm, on average. A watch lasts until its alarm or for WATCH pictures; then the next begins.

That they could be swapped says that the pictures come in no order. Where each resembles the one before it, or comes in lots,
the bound does not hold, and an alarm says no more than that (docs/drift.md has numbers). A picture whose bytes were just seen
is no new one: it is not bet on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from snag.core.ranks import Place
from snag.drift.bets import BETS, WATCH, Share, Stake, stakes
from snag.drift.history import History, drawn
from snag.drift.recent_pictures import RecentPictures

#: Of 1/ALPHA watches over an unchanged line at most one ends in an alarm, on average.
ALPHA: Final = 0.001
#: A cause is named before the next one where its evidence is at least this share of the strongest.
_PRECEDENCE: Final = 0.5
#: What each bets on the ranks of.
_PROPERTY: Final = {"exposure": "exposure", "sharpness": "sharpness", "parts": "score", "defects": "score"}
PROPERTIES: Final = ("score", "exposure", "sharpness")
CAUSES: Final = ("pictures", "parts", "defects")
ALARM: Final = math.log(len(BETS) / ALPHA)  #: evidence at which an alarm is raised


@dataclass(eq=False)
class Martingale:
    """The ranks and stakes of one watch, or of many side by side."""

    histories: dict[str, History] = field(default_factory=dict)  #: by property
    stakes: dict[str, Stake] = field(default_factory=stakes)

    def see(self, places: Mapping[str, tuple[Any, Any]], draws: Mapping[str, np.ndarray]) -> None:
        """One more picture of each: (above, at least) by property, and draws [2, ...], both as `History.p_value` has them."""
        values: dict[str, Share] = {}
        for name, place in places.items():
            rank = self.histories[name].p_value(*place, draws[name])
            values[name] = rank if rank.ndim else float(rank)
        for name, stake in self.stakes.items():
            if (p := values.get(_PROPERTY[name])) is not None:
                stake.bet(p)


@dataclass(frozen=True)
class Alarm:
    """The line has changed."""

    cause: str  #: of CAUSES
    evidence: dict[str, float]  #: natural logarithm of each stake
    pictures: int  #: since the watch began


@dataclass(eq=False)
class Watch:
    """Watches one model's pictures of one group, alarm after alarm."""

    calibration: str  #: whose ranks they are
    seen: int = 0  #: pictures, all watches together
    begun: int = 0  #: `seen` when this watch began
    repeats: int = 0  #: pictures that were not bet on, because their bytes had just been seen
    martingale: Martingale = field(default_factory=Martingale)
    alarms: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CAUSES, 0))
    recent: RecentPictures = field(default_factory=RecentPictures)  #: kept in no file: after a restart each counts once more

    @property
    def evidence(self) -> dict[str, float]:
        """Natural logarithm of each stake; about 0 while nothing changes."""
        return {name: math.log(max(stake.value, 1e-300)) for name, stake in self.martingale.stakes.items()}

    def has_seen(self, digest: bytes) -> bool:
        """Whether a picture with these bytes was just seen; then it is counted here and has nothing to say."""
        is_repeat = self.recent.has_seen(digest)
        self.repeats += is_repeat
        return is_repeat

    def see(self, places: Mapping[str, Place]) -> Alarm | None:
        """One more picture, by its places among the calibration pictures; the alarm that it raises."""
        self.seen += 1
        known = {name: place for name, place in places.items() if name in PROPERTIES}
        for name, (_, _, cells) in known.items():
            history = self.martingale.histories.get(name)
            if history is None or history.count != cells:
                self.martingale.histories[name] = _history(self.calibration, name, np.ones(cells, np.int64))
        self.martingale.see(
            {name: place[:2] for name, place in known.items()},
            {name: drawn(f"{self.calibration}/{name}/{self.seen}", 2) for name in known},
        )
        pictures, evidence = self.seen - self.begun, self.evidence
        is_alarm = max(evidence.values()) >= ALARM
        if is_alarm or pictures >= WATCH:
            self.begun, self.martingale = self.seen, Martingale()
        if not is_alarm:
            return None
        alarm = Alarm(cause_of(evidence), evidence, pictures)
        self.alarms[alarm.cause] += 1
        return alarm

    def state(self) -> dict[str, Any]:
        """All of it as JSON has it, but for the recent pictures."""
        return {
            "calibration": self.calibration,
            "seen": self.seen,
            "begun": self.begun,
            "repeats": self.repeats,
            "histories": {name: history.cells.tolist() for name, history in self.martingale.histories.items()},
            "stakes": {name: [stake.reserve, *stake.placed] for name, stake in self.martingale.stakes.items()},
            "alarms": self.alarms,
        }


def watch_of(state: Mapping[str, Any]) -> Watch:
    """Back from `Watch.state`. Raises ValueError, TypeError, KeyError or AttributeError for anything else."""
    parts = {name: [float(part) for part in state["stakes"][name]] for name in BETS}
    if any(len(one) != 1 + len(BETS[name]) or not all(0 <= part < math.inf for part in one) for name, one in parts.items()):
        raise ValueError("stakes of other bets")
    calibration = str(state["calibration"])
    cells = {str(name): [int(count) for count in counts] for name, counts in state["histories"].items()}
    if any(min(counts, default=0) < 1 for counts in cells.values()):
        raise ValueError("a history that nothing began")
    return Watch(
        calibration=calibration,
        seen=int(state["seen"]),
        begun=int(state["begun"]),
        repeats=int(state.get("repeats", 0)),
        martingale=Martingale(
            {name: _history(calibration, name, np.array(counts)) for name, counts in cells.items()},
            {name: Stake(BETS[name], placed, reserve) for name, (reserve, *placed) in parts.items()},
        ),
        alarms={cause: int(state["alarms"][cause]) for cause in CAUSES},
    )


def cause_of(evidence: Mapping[str, float]) -> str:
    """The cause that explains the most: other pictures change the scores too, other parts the share of suspicious ones."""
    enough = _PRECEDENCE * max(evidence.values())
    if max(evidence["exposure"], evidence["sharpness"]) >= enough:
        return "pictures"
    return "parts" if evidence["parts"] >= enough else "defects"


def _history(calibration: str, name: str, cells: np.ndarray) -> History:
    return History(cells, drawn(f"{calibration}/{name}/calibration", len(cells) - 1))
