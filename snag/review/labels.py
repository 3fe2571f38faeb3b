"""Labels: what people said of pictures, in one SQLite file with the pictures; on the disk before anybody is told so."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snag.core.errors import BadArtifact
from snag.review.spooled import Spooled

DEFECT: Final = "defect"
FALSE_ALARM: Final = "false_alarm"  #: the part is good; of a borderline picture: rightly not rejected
UNSURE: Final = "unsure"
LABELS: Final = (DEFECT, FALSE_ALARM, UNSURE)

_TABLE: Final = """CREATE TABLE IF NOT EXISTS label (
    id TEXT PRIMARY KEY, label TEXT NOT NULL, labelled REAL NOT NULL, judged REAL NOT NULL, request_id TEXT NOT NULL,
    model TEXT NOT NULL, version TEXT NOT NULL, kind TEXT NOT NULL,
    score REAL NOT NULL, threshold REAL NOT NULL, p_value REAL NOT NULL, reason TEXT, picture BLOB NOT NULL)"""
_ALL: Final = """SELECT id, label, labelled, judged, request_id, model, version, kind, score, threshold, p_value, reason
    FROM label ORDER BY labelled, id"""
_PUT: Final = "INSERT OR REPLACE INTO label VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class Labelled:
    """One labelled picture, without its bytes."""

    id: str
    label: str  #: one of LABELS
    labelled: float  #: seconds since 1970
    judged: float
    request_id: str
    model: str
    version: str
    kind: str
    score: float
    threshold: float
    p_value: float
    reason: str | None


class Labels:
    """The file of labels. A label that was given is there after a crash of this process, of the system, or of the power."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it; its owner alone can read it. Raises BadArtifact for something else."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._base = sqlite3.connect(path, isolation_level=None)
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")  # WAL's usual NORMAL may lose the last labels with the power
            self._base.execute("PRAGMA busy_timeout = 5000")
            self._base.execute(_TABLE)
        except (sqlite3.Error, OSError) as error:
            raise BadArtifact(path=path, detail=f"no file of labels: {error}") from error

    def put(self, one: Spooled, picture: bytes, label: str) -> None:
        """Take down a label, in place of an earlier one. When this returns it is on the disk."""
        said = one.verdict
        row = (one.id, label, time.time(), one.time, one.request_id, one.model, one.version, one.kind)
        numbers = (said.score, said.threshold, said.p_value, said.reason)
        self._base.execute(_PUT, (*row, *numbers, picture))

    def remove(self, id: str) -> None:
        """Take a label back."""
        self._base.execute("DELETE FROM label WHERE id = ?", (id,))

    def all(self) -> list[Labelled]:
        """Every label, in the order in which they were given."""
        with closing(self._base.execute(_ALL)) as rows:
            return [Labelled(*row) for row in rows]

    def picture(self, id: str) -> bytes | None:
        """The picture of a label; None where there is no such label."""
        row = self._base.execute("SELECT picture FROM label WHERE id = ?", (id,)).fetchone()
        return None if row is None else bytes(row[0])

    def close(self) -> None:
        """Close the file."""
        self._base.close()


def read_labels(path: Path) -> Labels:
    """Open a file of labels that is there. Raises BadArtifact."""
    if not path.is_file():
        raise BadArtifact(path=path, detail="there are no labels; `make review` makes them")
    return Labels(path)
