"""LineEvent: what the line says of one part, with an id that is the same however often it is sent."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_LONGEST: Final = 200  #: bytes of a name behind the id
_ID: Final = re.compile(r"(\d{16}-[0-9a-f]{8})_(.*)", re.DOTALL)


@dataclass(frozen=True)
class LineEvent:
    """One part: what was decided, and why."""

    id: str  #: begins with the microseconds since 1970 at which the picture was taken
    number: int  #: of its source, one more for each event: a gap is a loss
    model: str  #: that was asked
    source: str  #: name of the folder or camera
    group: str | None  #: that was named with the request
    picture: str  #: its name as it came, what can't be printed spelt out; of a camera's, the part that the trigger named
    file: str  #: where the picture lies; empty where there is none
    time: str  #: when it was taken, UTC
    seconds: float  #: from then up to the decision
    decision: str  #: `pass` or `reject`: what the machine shall do
    cause: str  #: `verdict`, `refused`, `silent`, `slow`, `drifting`, `unwatched` or `blind`: what the decision rests on
    drifting: bool  #: whether the server's watch has raised an alarm that nobody has acknowledged
    anomaly: bool | None = None  #: the verdict; this and what follows is null where there is none
    score: float | None = None  #: anomaly score
    threshold: float | None = None  #: that it was compared with
    p_value: float | None = None  #: share of good pictures that look at least as anomalous
    reason: str | None = None  #: why the picture is anomalous without a look at its surface
    threshold_of: str | None = None  #: whose threshold it is: the group's, `rest` or `pooled`
    promised: bool | None = None  #: whether that threshold keeps the calibration's rate for this group
    error: str | None = None  #: code of what came in place of a verdict
    message: str | None = None  #: its sentence

    @property
    def decided(self) -> float:
        """Seconds since 1970 at which it was decided."""
        return taken_at(self.id) + self.seconds

    def json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), allow_nan=False)


def event_of(text: str) -> LineEvent:
    """Back from `LineEvent.json`."""
    return LineEvent(**json.loads(text))


def new_id(now: float | None = None) -> str:
    """An id that sorts by time and is drawn anew each time."""
    return f"{int((time.time() if now is None else now) * 1e6):016d}-{os.urandom(4).hex()}"


def taken_at(id: str) -> float:
    """Seconds since 1970 of an id."""
    return int(id[:16]) / 1e6


def utc(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def file_name(id: str, name: str) -> str:
    """The name under which a picture is kept: its id, then its own, cut where a file system would refuse it."""
    suffix = Path(name).suffix[:16]
    stem = name.removesuffix(suffix)
    while len(os.fsencode(stem + suffix)) > _LONGEST:
        stem = stem[:-1]
    return f"{id}_{stem}{suffix}"


def id_and_name(path: Path) -> tuple[str, str] | None:
    """Back from `file_name`; None for a file that the line has not named."""
    found = _ID.fullmatch(path.name)
    return None if found is None else (found[1], found[2])
