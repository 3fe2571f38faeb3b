"""The line as the server's own files tell it: its last verdicts, how many and how fast, and its watch for drift."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from snag.drift.martingale import watch_of
from snag.gate.drift import StreamLine
from snag.studio.products import Workshop

_TAIL: Final = 400_000  #: bytes of the log's end: some 1,000 requests
_RATE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class LineVerdict:
    """One answer, as the log of requests has it."""

    time: datetime
    request_id: str
    model: str
    version: str
    is_anomaly: bool
    score: float
    p_value: float
    reason: str
    milliseconds: float


@dataclass(frozen=True)
class Pace:
    """How many verdicts there were in the last minute, and how long they took."""

    per_minute: int
    median: float | None  #: milliseconds
    slow: float | None  #: the time that 19 of 20 stay below
    rejected: int  #: of those of the last minute


@dataclass(frozen=True)
class Watched:
    """The watch for drift of one line."""

    model: str
    version: str
    group: str
    seen: int
    evidence: dict[str, float]  #: natural logarithm, by kind of change; an alarm at snag.drift.martingale.ALARM
    alarms: dict[str, int]  #: by cause


def last_verdicts(workshop: Workshop, model: str) -> list[LineVerdict]:
    """Of one model, newest first: those in the end of the log."""
    found = [one for one in _verdicts(workshop.server / "logs" / "requests.log") if one.model == model]
    return found[::-1]


def pace(verdicts: Sequence[LineVerdict], now: datetime) -> Pace:
    """Of the verdicts of the last minute."""
    recent = [one for one in verdicts if (now - one.time).total_seconds() <= _RATE_SECONDS]
    times = sorted(one.milliseconds for one in recent)
    if not times:
        return Pace(0, None, None, 0)
    return Pace(
        len(recent), median(times), times[min(len(times) - 1, int(0.95 * len(times)))], sum(one.is_anomaly for one in recent)
    )


def watched(workshop: Workshop, model: str) -> list[Watched]:
    """The model's watches as the gate last wrote them, at most some ten seconds ago."""
    try:
        states = json.loads((workshop.server / "drift.json").read_text(encoding="utf-8"))
        found = [(StreamLine(*map(str, state["line"])), watch_of(state)) for state in states]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return []
    return [
        Watched(named, version, group, watch.seen, watch.evidence, dict(watch.alarms))
        for (named, version, group), watch in found
        if named == model
    ]


def _verdicts(log: Path) -> Iterator[LineVerdict]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:  # the first one may be cut
            continue
        if isinstance(said, dict) and said.get("endpoint") == "predictions" and "anomaly" in said:
            yield _verdict(said)


def _verdict(said: dict[str, Any]) -> LineVerdict:
    return LineVerdict(
        time=datetime.fromisoformat(said["time"]).astimezone(UTC),
        request_id=str(said.get("request_id", "")),
        model=str(said.get("model", "")),
        version=str(said.get("version", "")),
        is_anomaly=bool(said["anomaly"]),
        score=float(said.get("score", 0.0)),
        p_value=float(said.get("p_value", 1.0)),
        reason=str(said.get("reason") or ""),
        milliseconds=float(said.get("ms", 0.0)),
    )
