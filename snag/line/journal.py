"""Journal: which pictures have their event, and which events wait for which sink, in one SQLite file.

An event and its place in every sink's spool are written in one transaction, before its picture leaves the folder of what is
under way. So after `kill -9`, or a power cut, a picture there either has its event, and is only moved, or has none, and is
judged: nothing is lost, and no picture gets two events. An event leaves a spool after the sink has it: it may be sent twice,
under the same id, and is not lost.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from snag.core.errors import BadArtifact
from snag.line.event import LineEvent, event_of

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, decided REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS waiting (place INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, id TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS waiting_of ON waiting (sink, place);
CREATE INDEX IF NOT EXISTS waiting_id ON waiting (id);
CREATE TABLE IF NOT EXISTS numbered (source TEXT PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_DROP_OLDEST: Final = "DELETE FROM waiting WHERE place IN (SELECT place FROM waiting WHERE sink = ? ORDER BY place LIMIT ?)"
#: Seconds that an event stays at least: its picture may be on its way.
_GRACE: Final = 60.0


class SpoolFull(Exception):
    """A sink's spool that may not lose anything has no room; nothing was written. Its name is the argument."""


class Journal:
    """For all threads of one process. `dropped(sink, count)` is told of events that a full spool lost."""

    def __init__(self, path: Path, dropped: Callable[[str, int], None]) -> None:
        """Open the file, or make it. Raises BadArtifact for something else."""
        self._dropped = dropped
        self._lock = threading.Lock()
        self._waiting: Counter[str] = Counter()
        self._limits: dict[str, tuple[int, bool]] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")  # WAL's usual NORMAL may lose the last events with the power
            self._base.execute("PRAGMA busy_timeout = 5000")
            self._base.executescript(_TABLES)
        except (sqlite3.Error, OSError) as error:
            raise BadArtifact(path=path, detail=f"no journal of a line: {error}") from error

    def open_spools(self, limits: Mapping[str, tuple[int, bool]]) -> dict[str, int]:
        """Say which sinks there are: {name: (events that may wait, whether the oldest gives way)}.

        Answers how many waited for sinks that are no more; these are dropped.
        """
        with self._lock:
            found = dict(self._base.execute("SELECT sink, COUNT(*) FROM waiting GROUP BY sink"))
            gone = {sink: count for sink, count in found.items() if sink not in limits}
            self._base.executemany("DELETE FROM waiting WHERE sink = ?", [(sink,) for sink in gone])
            self._limits = dict(limits)
            self._waiting = Counter({sink: found.get(sink, 0) for sink in limits})
        return gone

    def event(self, id: str) -> LineEvent | None:
        """The event of a picture, if it has one."""
        with self._lock:
            row = self._base.execute("SELECT body FROM event WHERE id = ?", (id,)).fetchone()
        return None if row is None else event_of(row[0])

    def record(self, event: LineEvent) -> LineEvent:
        """Write an event and put it into every spool; answers it with its number. Raises SpoolFull."""
        with self._lock:
            for sink, (limit, gives_way) in self._limits.items():
                if self._waiting[sink] >= limit and not gives_way:
                    raise SpoolFull(sink)
            self._base.execute("BEGIN IMMEDIATE")
            try:
                numbered, over = self._write(event)
                self._base.execute("COMMIT")
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            for sink in self._limits:
                self._waiting[sink] += 1 - over.get(sink, 0)
        for sink, count in over.items():
            self._dropped(sink, count)
        return numbered

    def _write(self, event: LineEvent) -> tuple[LineEvent, dict[str, int]]:
        count = "INSERT INTO numbered VALUES (?, 1) ON CONFLICT (source) DO UPDATE SET number = number + 1 RETURNING number"
        numbered = replace(event, number=self._base.execute(count, (event.source,)).fetchone()[0])
        self._base.execute("INSERT INTO event VALUES (?, ?, ?)", (event.id, event.decided, numbered.json()))
        self._base.executemany("INSERT INTO waiting (sink, id) VALUES (?, ?)", [(sink, event.id) for sink in self._limits])
        over = {}
        for sink, (limit, _) in self._limits.items():
            if (more := self._waiting[sink] + 1 - limit) > 0:  # several, where the limit was lowered
                self._base.execute(_DROP_OLDEST, (sink, more))
                over[sink] = more
        return numbered, over

    def waiting(self, sink: str, count: int) -> list[tuple[int, LineEvent]]:
        """The oldest events of a spool with their places."""
        ask = "SELECT place, body FROM waiting JOIN event USING (id) WHERE sink = ? ORDER BY place LIMIT ?"
        with self._lock:
            rows = self._base.execute(ask, (sink, count)).fetchall()
        return [(place, event_of(body)) for place, body in rows]

    def sent(self, sink: str, places: Collection[int]) -> None:
        """Take events out of a spool."""
        with self._lock:
            self._base.execute("BEGIN IMMEDIATE")
            gone = sum(
                self._base.execute("DELETE FROM waiting WHERE place = ?", (place,)).rowcount for place in places
            )  # one may have given way meanwhile
            self._base.execute("COMMIT")
            self._waiting[sink] -= gone

    def lengths(self) -> dict[str, int]:
        """How many events wait for each sink."""
        with self._lock:
            return {sink: self._waiting[sink] for sink in self._limits}

    def forget(self, under_way: Iterable[str]) -> None:
        """Remove events that nobody waits for, but those of pictures `under_way` and of the last minute."""
        kept = set(under_way)
        ask = "SELECT id FROM event WHERE decided < ? AND id NOT IN (SELECT id FROM waiting)"
        with self._lock:
            old = [row[0] for row in self._base.execute(ask, (time.time() - _GRACE,)) if row[0] not in kept]
            self._base.execute("BEGIN IMMEDIATE")
            self._base.executemany("DELETE FROM event WHERE id = ?", [(id,) for id in old])
            self._base.execute("COMMIT")

    def note(self, name: str) -> str | None:
        """What was noted under a name."""
        with self._lock:
            row = self._base.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def put_note(self, name: str, value: str) -> None:
        """Note something, over restarts."""
        with self._lock:
            self._base.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()
