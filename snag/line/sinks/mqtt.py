"""MqttSink: events to a broker, the line's state, and its heartbeat.

TOPIC/SOURCE/verdict    each event, QoS 1
TOPIC/state             running, stopped or offline with its troubles; retained, and the last will
TOPIC/heartbeat         a number that grows while the line may be relied on, QoS 0
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from typing import Final

from snag.core.errors import SinkAway
from snag.line.event import LineEvent, utc
from snag.line.mqtt_connection import MqttConnection
from snag.line.sink_tables import MqttTable
from snag.line.sinks.sink import Sink
from snag.line.status import OFFLINE, Beat

_WAIT: Final = 0.2  #: seconds between two looks at whether the line ends, or the connection has
_FAREWELL: Final = 1.0  #: seconds for the last state to be told


class MqttSink(Sink):
    """A message that the broker has not acknowledged is not published again while this process runs.

    paho itself sends it again, on each new connection. So one that is not to be sent any more takes its connection with it.
    """

    name = "mqtt"

    def __init__(self, table: MqttTable, stop: threading.Event) -> None:
        super().__init__(stop)
        self._table = table
        self._state = f"{table.topic}/state"
        self._told: tuple[str, tuple[str, ...]] | None = None  #: state and troubles that the broker keeps
        self._beat_told = -1
        self._is_open = False
        self._pending: tuple[str, int] | None = None  #: id of an event, number of its message
        self._connection = MqttConnection(table, "out", self._forget_state, will=(self._state, _offline()))

    def open(self) -> None:
        """Connect. Raises SinkAway."""
        self._connection.open()
        self._is_open = True

    def send(self, event: LineEvent) -> None:
        """Publish, and wait for the broker to acknowledge. Raises SinkAway."""
        if self._pending is not None and self._pending[0] != event.id:  # it gave way in a full spool
            self._drop()
        if self._connection.client.has_ended:  # by a fault of paho's: it will not acknowledge any more
            self._pending = None
            self.close()
        if not self._is_open:
            self.open()
        if self._pending is None:
            topic = f"{self._table.topic}/{event.source}/verdict"
            self._pending = event.id, self._connection.publish(topic, event.json(), self._table.retain)
        while not self._connection.acknowledged(self._pending[1], _WAIT):
            if self.stop.is_set() or not self._connection.is_up:
                raise SinkAway(sink=self.name, detail="the broker has not acknowledged")
        self._pending = None

    def forget(self, event: LineEvent) -> bool:
        """Have paho never send it again."""
        if self._pending is None or self._pending[0] != event.id:
            return False
        return self._drop()

    def beat(self, beat: Beat) -> None:
        """Publish the state where it has changed, and the heartbeat while it grows."""
        if not (self._is_open and self._connection.is_up):
            return
        state = beat.state, tuple(beat.troubles)
        if state != self._told:
            self._told = state
            self._connection.client.publish(self._state, _state(beat.state, beat.troubles), qos=1, retain=True)
        if beat.heartbeat != self._beat_told:
            self._beat_told = beat.heartbeat
            text = json.dumps({"heartbeat": beat.heartbeat, "time": beat.time})
            self._connection.client.publish(f"{self._table.topic}/heartbeat", text, qos=0)

    def close(self) -> None:
        """Say that the line is off, and disconnect."""
        if not self._is_open:
            return
        self._is_open = False
        with suppress(SinkAway):  # then the last will has said so
            self._connection.acknowledged(self._connection.publish(self._state, _offline(), retain=True), _FAREWELL)
        self._connection.close()

    def _drop(self) -> bool:
        """Let go of the message that is not acknowledged; answers whether that took the connection."""
        assert self._pending is not None  # noqa: S101  # both callers have looked  # nosec B101
        had, self._pending = self._connection.acknowledged(self._pending[1], 0.0), None
        if not had:
            self.close()
        return not had

    def _forget_state(self) -> None:
        """After each connection the broker keeps the last will, or nothing."""
        self._told = None


def _state(state: str, troubles: list[str]) -> str:
    return json.dumps({"state": state, "troubles": troubles, "time": utc(time.time())})


def _offline() -> str:
    return json.dumps({"state": OFFLINE, "troubles": []})
