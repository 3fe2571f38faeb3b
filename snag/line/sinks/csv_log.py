"""CsvSink: a table of all events, a file for each day (UTC), each row on the disk before the event leaves the spool."""

from __future__ import annotations

import os
import threading
from dataclasses import astuple, fields
from pathlib import Path
from typing import Final

from snag.cli.table import csv_line, csv_table
from snag.core.errors import SinkAway
from snag.line.event import LineEvent
from snag.line.sink_tables import CsvTable
from snag.line.sinks.sink import Sink

_COLUMNS: Final = [field.name for field in fields(LineEvent)]
_TAIL: Final = 65_536  #: bytes in which the last row lies


class CsvSink(Sink):
    """An event that is sent again after a crash is not written again: it can only be the last row."""

    name = "csv"

    def __init__(self, table: CsvTable, stop: threading.Event) -> None:
        super().__init__(stop)
        self._folder = table.folder

    def open(self) -> None:
        """Make the folder, and cut the half of a row that a power cut left. Raises SinkAway."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in self._folder.glob("????-??-??.csv"):
                _cut_half_a_row(path)
        except OSError as error:
            raise SinkAway(sink=self.name, detail=error) from error

    def send(self, event: LineEvent) -> None:
        """Append the row. Raises SinkAway."""
        path = self._folder / f"{event.time[:10]}.csv"
        row = csv_line(astuple(event))
        try:
            if _last_row(path).startswith(f"{event.id},"):
                return
            is_new = not path.exists() or path.stat().st_size == 0
            with path.open("a", encoding="utf-8", newline="") as file:
                file.write((csv_table(_COLUMNS, []) if is_new else "") + row)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SinkAway(sink=self.name, detail=error) from error


def _last_row(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            return file.read().decode(errors="replace").rstrip("\n").rpartition("\n")[2]
    except FileNotFoundError:
        return ""


def _cut_half_a_row(path: Path) -> None:
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - _TAIL)
        file.seek(start)
        tail = file.read()
        if tail and not tail.endswith(b"\n"):
            file.truncate(start + tail.rfind(b"\n") + 1)
