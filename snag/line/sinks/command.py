"""CommandSink: a program for each event."""

from __future__ import annotations

import subprocess
import threading
from typing import Final

from snag.core.errors import SinkAway
from snag.line.event import LineEvent
from snag.line.sink_tables import CommandTable
from snag.line.sinks.sink import Sink

_QUOTED: Final = 200  #: characters of what it said


class CommandSink(Sink):
    """Exit code 0: it has done what it does."""

    name = "command"

    def __init__(self, table: CommandTable, stop: threading.Event) -> None:
        super().__init__(stop)
        self._table = table

    def send(self, event: LineEvent) -> None:
        """Run it, and wait. Raises SinkAway."""
        try:
            done = subprocess.run(
                self._table.run,
                input=event.json(),
                capture_output=True,
                encoding="utf-8",
                errors="replace",  # what it says may be of any encoding, or none
                timeout=self._table.timeout,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SinkAway(sink=self.name, detail=error) from error
        if done.returncode:
            said = " ".join((done.stderr or done.stdout)[-_QUOTED:].split())
            raise SinkAway(sink=self.name, detail=f"{self._table.run[0]} ended with {done.returncode}: {said or 'no word'}")
