"""OpcUaSink: the line as an OPC UA server, whose nodes a machine's controller reads, or is told of when they change.

The server has a loop and a thread of its own. What a controller sees of one event is whole once Number has changed: that is
written last.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import TimeoutError as NoAnswer
from contextlib import suppress
from typing import Any, Final

from snag.cli.hosts import is_loopback
from snag.core.errors import BadConfig, SinkAway
from snag.line.event import LineEvent
from snag.line.opcua_server import PASSWORD, LineServer
from snag.line.sink_tables import OpcUaTable
from snag.line.sinks.sink import Sink
from snag.line.status import LOG, OFFLINE, Beat

_SECONDS: Final = 10.0  #: for the server's own thread to do what it is asked
_PATIENCE: Final = 5.0  #: seconds for a controller to acknowledge, before it is told in log and metrics
_WAIT: Final = 0.2


class OpcUaSink(Sink):
    """Starts the server anew where that has failed."""

    name = "opcua"

    def __init__(self, table: OpcUaTable, stop: threading.Event) -> None:
        """Raises BadConfig for a user without a password: nobody could log in."""
        super().__init__(stop)
        if table.username is not None and not os.environ.get(PASSWORD):
            raise BadConfig(detail=f"[opcua] has a username: expected its password in the environment, as {PASSWORD}")
        self._table = table
        self._sources: list[str] = []
        self._triggers: dict[str, Callable[[str], None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: LineServer | None = None
        self._acknowledged: Counter[str] = Counter()
        self._changed = threading.Condition()

    def expect(self, sources: Sequence[str]) -> None:
        """Have nodes for these sources."""
        self._sources = list(sources)

    def on_trigger(self, source: str, take: Callable[[str], None]) -> None:
        """Have a node Trigger for a source, and call `take` when a controller has changed it. To be said before `open`."""
        self._triggers[source] = take

    def open(self) -> None:
        """Listen. Raises SinkAway."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line opc ua", daemon=True)
        self._thread.start()
        server = LineServer(self._table, self._sources, list(self._triggers), self._written)
        try:
            self._do(server.start())
        except Exception as error:  # whatever the library raises for a port, a certificate, an address
            self._end()
            raise SinkAway(sink=self.name, detail=f"{self._table.host}:{self._table.port}: {error or type(error)}") from error
        self._server = server
        if self._table.username is None and not is_loopback(self._table.host):
            LOG.warning("OPC UA on %s asks for no password: who reaches it may trigger and acknowledge", self._table.host)

    def send(self, event: LineEvent) -> None:
        """Write the nodes, and wait for the controller where it is to acknowledge. Raises SinkAway."""
        if self._server is None:
            raise SinkAway(sink=self.name, detail="the server is not there")
        self._do(self._server.tell(event))
        if self._table.acknowledge:
            self._await(event)

    def beat(self, beat: Beat) -> None:
        """Write state and heartbeat."""
        if self._server is not None and self._loop is not None:
            with suppress(RuntimeError):  # it has just ended
                asyncio.run_coroutine_threadsafe(self._server.beat(beat), self._loop)

    def close(self) -> None:
        """Say that the line is off, and no longer listen."""
        server, self._server = self._server, None
        if server is not None:
            with suppress(Exception):
                self._do(server.beat(Beat(OFFLINE, [], 0, "")))
                self._do(server.stop())
        self._end()

    def _await(self, event: LineEvent) -> None:
        waited = 0.0
        while waited < _PATIENCE and not self.stop.is_set():
            with self._changed:
                if self._changed.wait_for(lambda: self._acknowledged[event.source] == event.number, _WAIT):
                    return
            waited += _WAIT
        raise SinkAway(sink=self.name, detail=f"nobody has acknowledged Number {event.number} of {event.source}")

    def _written(self, source: str, node: str, value: Any) -> None:
        """A controller has written; called in the server's thread."""
        if node == "Trigger":
            self._triggers[source](str(value))
            return
        with self._changed:
            self._acknowledged[source] = int(value)
            self._changed.notify_all()

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None  # noqa: S101  # `open` has made it  # nosec B101
        try:
            asyncio.run_coroutine_threadsafe(what, self._loop).result(_SECONDS)
        except NoAnswer as error:
            raise SinkAway(sink=self.name, detail="its own server does not answer") from error

    def _end(self) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_SECONDS)
            self._loop.close()
        self._loop = self._thread = None
