"""LineStatus: whether the line can be relied on, and what troubles it; told in the log when it changes, and in each beat."""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import asdict, dataclass
from typing import Final

from snag.line.event import utc

LOG: Final = logging.getLogger("snag.line")
RUNNING: Final = "running"
STOPPED: Final = "stopped"  #: nobody may rely on the line: its heartbeat stands still
OFFLINE: Final = "offline"  #: it has ended, or its connection is lost
#: What can trouble a line, and the sentence of the log.
TROUBLES: Final = {
    "silent": "the server gives no verdicts",
    "slow": "the server does not answer within the deadline",
    "drifting": "the server's watch has raised an alarm for drift",
    "unwatched": "whether the server sees drift is not known: its metrics can't be read",
    "blind": "a camera gives no picture",
    "deaf": "triggers can't be heard",
    "spool": "a spool is full",
    "fault": "a part of the line fails",
    "stuck": "a source does not move, or a part of the line has ended",
}


@dataclass(frozen=True)
class Beat:
    """What is told once a second."""

    state: str
    troubles: list[str]  #: of TROUBLES
    heartbeat: int  #: one more each time, unless the line has stopped
    time: str

    def json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))


class LineStatus:
    """For all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._troubles: dict[tuple[str, str], bool] = {}  #: (trouble, who has it) to whether the line stops for it
        self._count = 0

    def trouble(self, kind: str, who: str, stops: bool, detail: str = "") -> None:
        """Something troubles the line, until `over`."""
        with self._lock:
            before = self._troubles.get((kind, who))
            self._troubles[kind, who] = stops
        if before != stops:
            LOG.warning(
                "%s (%s)%s%s", TROUBLES[kind], who, "; the line stops" if stops else "", f": {detail}" if detail else ""
            )

    def over(self, kind: str, who: str) -> None:
        """It no longer does."""
        with self._lock:
            had = self._troubles.pop((kind, who), None)
        if had is not None:
            LOG.warning("over: %s (%s)", TROUBLES[kind], who)

    def has(self, kind: str) -> bool:
        """Whether anybody has this trouble."""
        with self._lock:
            return any(found == kind for found, _ in self._troubles)

    @property
    def is_running(self) -> bool:
        """Whether the line may be relied on."""
        with self._lock:
            return not any(self._troubles.values())

    @property
    def heartbeat(self) -> int:
        """The last one's number."""
        return self._count

    def beat(self) -> Beat:
        """The next heartbeat; of a line that has stopped, the last one once more."""
        with self._lock:
            stopped = any(self._troubles.values())
            self._count += not stopped
            kinds = sorted({kind for kind, _ in self._troubles})
            return Beat(STOPPED if stopped else RUNNING, kinds, self._count, utc(time.time()))
