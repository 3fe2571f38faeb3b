"""Which spooled pictures people have labelled already: read from the file of labels without opening it for writing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def labelled_ids(labels: Path) -> frozenset[str]:
    """The ids of all labelled pictures; none where there is no such file, or it is none of ours."""
    if not labels.is_file():
        return frozenset()
    try:
        with closing(sqlite3.connect(f"{labels.absolute().as_uri()}?mode=ro", uri=True)) as base:
            return frozenset(row[0] for row in base.execute("SELECT id FROM label"))
    except sqlite3.Error:
        return frozenset()
