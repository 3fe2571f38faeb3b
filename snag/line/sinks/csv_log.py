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
_TAIL: Final = 65_536  #: bytes in which the rows lie that may be sent again, with room to spare


class CsvSink(Sink):
    """An event that is sent again after a crash is not written again: its row is one of the last."""

    name = "csv"

    def __init__(self, table: CsvTable, stop: threading.Event) -> None:
        super().__init__(stop)
        self._folder = table.folder

    def open(self) -> None:
        """Make the folder, and cut the half of a row that a power cut left. Raises SinkAway."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in self._folder.glob("????-??-??.csv"):
                _whole_rows(path)
        except OSError as error:
            raise SinkAway(sink=self.name, detail=error) from error

    def send(self, event: LineEvent) -> None:
        """Append the row, in place of the half of one that a full disk left. Raises SinkAway."""
        path = self._folder / f"{event.time[:10]}.csv"
        row = csv_line(astuple(event))
        try:
            rows = _whole_rows(path)
            if f"\n{event.id},".encode() in rows:
                return
            with path.open("a", encoding="utf-8", newline="") as file:
                file.write((csv_table(_COLUMNS, []) if not rows else "") + row)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SinkAway(sink=self.name, detail=error) from error


def _whole_rows(path: Path) -> bytes:
    """The file's last rows, after half a row is cut; nothing where there are none."""
    try:
        with path.open("rb+") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - _TAIL)
            file.seek(start)
            tail = file.read()
            whole = tail[: tail.rfind(b"\n") + 1]
            if whole != tail:
                file.truncate(start + len(whole))
            return whole
    except FileNotFoundError:
        return b""
