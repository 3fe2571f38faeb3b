"""The plan: every picture of a source once, numbered in the order of the names; on disk, so that memory does not grow."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snag.core.files import write_atomically
from snag.offline.sources import Entry

_LISTED: Final = """CREATE TABLE listed
    (name TEXT PRIMARY KEY, path BLOB, "offset" INTEGER, size INTEGER, modified INTEGER) WITHOUT ROWID"""
_NUMBERED: Final = """CREATE TABLE entry
    (number INTEGER PRIMARY KEY, name TEXT, path BLOB, "offset" INTEGER, size INTEGER, modified INTEGER)"""


@dataclass(frozen=True)
class Plan:
    """What is to be scored."""

    path: Path  #: the SQLite file
    count: int  #: how many pictures
    digest: str  #: SHA-256 over names, sizes and time stamps, in the order of the names


def make_plan(found: Iterable[Entry], path: Path) -> Plan:
    """Write the plan anew. A name that comes twice is one picture. Raises DiskFull."""
    digest = hashlib.sha256()
    count = 0

    def write(temporary: Path) -> None:
        nonlocal count
        with closing(sqlite3.connect(temporary)) as base:
            base.execute("PRAGMA journal_mode = OFF")  # a plan half written is made again, never repaired
            base.execute("PRAGMA synchronous = OFF")
            base.execute(_LISTED)
            rows = ((one.name, os.fsencode(one.path), one.offset, one.size, one.modified) for one in found)
            base.executemany("INSERT OR IGNORE INTO listed VALUES (?, ?, ?, ?, ?)", rows)
            base.execute(_NUMBERED)
            ordered = "SELECT row_number() OVER (ORDER BY name) - 1, * FROM listed ORDER BY name"
            base.execute(f"INSERT INTO entry {ordered}")
            base.execute("DROP TABLE listed")
            base.execute("CREATE UNIQUE INDEX by_name ON entry (name)")
            for row in base.execute("SELECT name, size, modified FROM entry ORDER BY number"):
                digest.update(repr(row).encode())
                count += 1
            base.commit()

    write_atomically(path, write)
    return Plan(path, count, digest.hexdigest())


def pictures(plan: Path, start: int, stop: int) -> list[Entry]:
    """The pictures with the numbers `start` to `stop` - 1."""
    with closing(sqlite3.connect(f"file:{plan}?mode=ro&immutable=1", uri=True)) as base:
        wanted = 'SELECT name, path, "offset", size, modified FROM entry WHERE number >= ? AND number < ? ORDER BY number'
        return [Entry(name, os.fsdecode(path), *rest) for name, path, *rest in base.execute(wanted, (start, stop))]


def find(plan: Path, name: str) -> Entry:
    """The picture of that name. Raises KeyError."""
    with closing(sqlite3.connect(f"file:{plan}?mode=ro&immutable=1", uri=True)) as base:
        row = base.execute('SELECT name, path, "offset", size, modified FROM entry WHERE name = ?', (name,)).fetchone()
    if row is None:
        raise KeyError(name)
    return Entry(row[0], os.fsdecode(row[1]), *row[2:])
