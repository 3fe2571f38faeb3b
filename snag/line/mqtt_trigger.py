"""MqttTrigger: a message on a camera's topic presses its shutter."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from snag.core.errors import SinkAway
from snag.line.mqtt_connection import MqttConnection
from snag.line.shutter import part_of
from snag.line.sink_tables import MqttTable
from snag.line.status import LineStatus

_PAUSE: Final = 1.0
_LOOK: Final = 0.2  #: seconds between two looks at the connection


class MqttTrigger(threading.Thread):
    """A connection of its own. While there is none the line has stopped: parts go by that nobody would judge.

    A trigger is not kept by the broker: what was sent meanwhile is of parts that are gone.
    """

    def __init__(
        self,
        table: MqttTable,
        source: str,
        topic: str,
        press: Callable[[str], object],
        status: LineStatus,
        stop: threading.Event,
    ) -> None:
        super().__init__(name=f"line trigger {source}", daemon=True)
        self._source = source
        self._topic = topic
        self._press = press
        self._status = status
        self._stop_event = stop
        self._connection = MqttConnection(table, f"trigger-{source}", self._subscribe, received=self._received)

    def run(self) -> None:
        """Until the line is stopped."""
        self._open()
        while not self._stop_event.wait(_LOOK):
            if self._connection.client.has_ended:
                self._status.trouble("deaf", self._source, stops=True)
                self._connection.close()
                self._open()
            elif self._connection.is_up and self._connection.hears:
                self._status.over("deaf", self._source)
            elif self._connection.is_up and self._connection.is_refused:
                self._status.trouble("deaf", self._source, stops=True, detail=f"the broker refuses the topic {self._topic}")
                self._stop_event.wait(_PAUSE)
                self._subscribe()
            else:
                self._status.trouble("deaf", self._source, stops=True)
        self._connection.close()

    def _open(self) -> None:
        while not self._stop_event.is_set():
            try:
                self._connection.open()
                break
            except SinkAway as error:
                self._status.trouble("deaf", self._source, stops=True, detail=str(error))
                self._stop_event.wait(_PAUSE)

    def _subscribe(self) -> None:
        self._connection.subscribe(self._topic)

    def _received(self, message: bytes) -> None:
        self._press(part_of(message))
