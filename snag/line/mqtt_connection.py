"""MqttConnection: a connection to the broker that comes back by itself."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from snag.core.errors import BadConfig, SinkAway
from snag.line.sink_tables import MqttTable
from snag.line.status import LOG

_PASSWORD: Final = "SNAG_MQTT_PASSWORD"  # noqa: S105  # the variable's name
_FIRST_PAUSE, _LONGEST_PAUSE = 1, 2  #: seconds before it connects again
_WAIT: Final = 5.0  #: seconds for the broker to take the first connection
_NAME: Final = "mqtt"


class _Client(mqtt.Client):
    """Knows whether its thread has ended, which paho's own `is_connected` does not ask."""

    has_ended = False

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """What the thread of `loop_start` runs."""
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except Exception:
            LOG.exception("the connection to the broker has failed")
            return MQTTErrorCode.MQTT_ERR_UNKNOWN
        finally:
            self.has_ended = True


class MqttConnection:
    """A client of paho's with its thread; `connected` is called in that thread each time that the broker has taken it."""

    def __init__(
        self,
        table: MqttTable,
        name: str,
        connected: Callable[[], None],
        will: tuple[str, str] | None = None,
        received: Callable[[bytes], None] | None = None,
    ) -> None:
        """`name` is added to the client's id; `will` is (topic, text), retained. Raises BadConfig for certificates."""
        self._table = table
        self._name = name
        self._connected = connected
        self._will = will
        self._received = received
        self._acknowledged: set[int] = set()
        self._changed = threading.Condition()
        self._refusal = ""
        self._is_fresh = True  #: the client has never been connected
        self.hears = False  #: the broker has taken the subscription
        self.is_refused = False  #: it has refused it
        self.client = self._made()

    @property
    def is_up(self) -> bool:
        """Whether there is a connection, and its thread lives."""
        return self.client.is_connected() and not self.client.has_ended

    def open(self) -> None:
        """Connect, and stay connected from then on. Raises SinkAway. After that, or a `close`, it may be called again."""
        try:
            if not self._is_fresh:  # paho leaves sockets open when it is started a second time
                self.client = self._made()
            self._is_fresh = False
            self.client.connect(self._table.host, self._table.port, self._table.keepalive)
        except (OSError, ValueError, BadConfig) as error:
            raise self._away(error) from error
        self.client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self.client.is_connected() or self._refusal, _WAIT)
            reason, self._refusal = self._refusal or "it does not answer", ""
        if not self.client.is_connected():
            self.close()
            raise self._away(reason)

    def publish(self, topic: str, text: str, retain: bool) -> int:
        """Hand a message of QoS 1 over; answers its number. Raises SinkAway without a connection; then it is not sent."""
        if not self.is_up:
            raise self._away(self._refusal or "there is no connection")
        with self._changed:  # one message is waited for at a time, and paho gives each number again after 65,535 others
            self._acknowledged.clear()
        return self.client.publish(topic, text, qos=1, retain=retain).mid

    def acknowledged(self, number: int, seconds: float) -> bool:
        """Whether the broker has a message, waiting for so long; asked with True for an answer, the number is forgotten."""
        with self._changed:
            done = self._changed.wait_for(lambda: number in self._acknowledged, seconds)
            self._acknowledged.discard(number)
            return done

    def subscribe(self, topic: str) -> None:
        """Ask for a topic; `hears` or `is_refused` says later what the broker answered."""
        self.hears = self.is_refused = False
        self.client.subscribe(topic, qos=1)

    def close(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()

    def _made(self) -> _Client:
        table = self._table
        id = f"{table.client_id}-{self._name}" if table.client_id else ""
        client = _Client(CallbackAPIVersion.VERSION2, client_id=id, protocol=mqtt.MQTTv311)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        client.reconnect_delay_set(_FIRST_PAUSE, _LONGEST_PAUSE)
        if table.username is not None:
            client.username_pw_set(table.username, os.environ.get(_PASSWORD))
        if self._will is not None:
            client.will_set(*self._will, qos=1, retain=True)
        if table.tls:
            _speak_tls(client, table)
        return client

    def _on_connect(self, client: mqtt.Client, data: Any, flags: Any, code: ReasonCode, properties: Any) -> None:
        with self._changed:
            self._refusal = str(code) if code.is_failure else ""
            self._changed.notify_all()
        if not code.is_failure:
            self._connected()

    def _on_publish(self, client: mqtt.Client, data: Any, number: int, code: ReasonCode, properties: Any) -> None:
        with self._changed:
            self._acknowledged.add(number)
            self._changed.notify_all()

    def _on_subscribe(self, client: mqtt.Client, data: Any, number: int, codes: list[ReasonCode], properties: Any) -> None:
        self.is_refused = any(code.is_failure for code in codes)
        self.hears = not self.is_refused

    def _on_message(self, client: mqtt.Client, data: Any, message: mqtt.MQTTMessage) -> None:
        if self._received is None or message.retain:  # what the broker had kept is of a part that is gone
            return
        try:
            self._received(bytes(message.payload))
        except Exception:  # it would end paho's thread
            LOG.exception("a message on %s could not be taken", message.topic)

    def _away(self, reason: object) -> SinkAway:
        said = reason.strerror or reason if isinstance(reason, OSError) and not isinstance(reason, socket.gaierror) else reason
        return SinkAway(sink=_NAME, detail=f"{self._table.host}:{self._table.port}: {said}")


def _speak_tls(client: mqtt.Client, table: MqttTable) -> None:
    ca, cert, key = (None if path is None else str(path) for path in (table.ca_file, table.cert_file, table.key_file))
    try:
        client.tls_set(ca, cert, key)
    except (OSError, ValueError) as error:
        raise BadConfig(detail=f"the certificates of [mqtt] can't be read: {error}") from error
