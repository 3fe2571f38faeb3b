"""The line and a real broker that does not answer, refuses, or brings what nobody expects."""

import json
import signal
import threading
from pathlib import Path

import pytest

pytest.importorskip("paho.mqtt", reason="needs the packages of the extra `line`")

from snag.core.errors import SinkAway
from snag.line.event import LineEvent, new_id
from snag.line.mqtt_trigger import MqttTrigger
from snag.line.sink_tables import MqttTable
from snag.line.sinks.mqtt import MqttSink
from snag.line.status import Beat, LineStatus
from tests.support.line import FakeGate, configured, drop, running, until
from tests.support.mosquitto import Mosquitto, Subscriber

#: Of mosquitto's plugin for rights: all may publish, nobody may subscribe.
DEAF = {
    "defaultACLAccess": {
        "publishClientSend": True,
        "publishClientReceive": True,
        "subscribe": False,
        "unsubscribe": True,
    },
}


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def pressed():
    """Starts a trigger on a topic; answers it, its status and the parts that it has pressed for."""
    stop, threads = threading.Event(), []

    def pressed(port, topic="plc/top"):
        status, parts = LineStatus(), []
        threads.append(MqttTrigger(MqttTable(port=port), "top", topic, parts.append, status, stop))
        threads[-1].start()
        return threads[-1], status, parts

    yield pressed
    stop.set()
    for thread in threads:
        thread.join(10)


def made():
    return LineEvent(
        id=new_id(),
        number=1,
        model="bolt",
        source="in",
        group=None,
        picture="a.png",
        file="",
        time="2025-12-01T15:44:26.000Z",
        seconds=0.0,
        decision="pass",
        cause="verdict",
        drifting=False,
    )


class TestSink:
    def test_numbers_come_again(self, broker):
        """The number of a heartbeat that comes again is no acknowledgement of an event that the broker never had."""
        stop = threading.Event()
        sink = MqttSink(MqttTable(port=broker.port), stop)
        sink.open()
        sink.beat(Beat("running", [], 1, ""))
        until(lambda: sink._connection._acknowledged)
        first = min(sink._connection._acknowledged)
        broker._process.send_signal(signal.SIGSTOP)
        sink._connection.client._last_mid = first - 1  # as after 65,535 messages
        stop.set()
        try:
            with pytest.raises(SinkAway, match="not acknowledged"):
                sink.send(made())
        finally:
            broker._process.send_signal(signal.SIGCONT)
            sink.close()

    def test_too_old(self, tmp_path, broker):
        """An event that grew too old while the broker did not answer is not brought by a connection that comes back."""
        with (
            FakeGate() as gate,
            running(configured(tmp_path, gate, mqtt={"port": broker.port, "max_age": 0.8})) as line,
        ):
            sink = line.sinks[0]
            until(lambda: sink._is_open)
            broker._process.send_signal(signal.SIGSTOP)
            drop(tmp_path / "in", "a.png", b"good")
            until(lambda: sink._pending)
            sink._connection.client.socket().shutdown(2)
            broker.kill()
            label = {"sink": "mqtt", "reason": "old"}
            until(lambda: line.metrics.registry.get_sample_value("snag_line_dropped_total", label))
            broker.start()
            with Subscriber(broker.port) as subscriber:
                until(lambda: subscriber.said("/heartbeat"))
                drop(tmp_path / "in", "b.png", b"good")
                until(lambda: subscriber.ids)
                pictures = [event["picture"] for event in subscriber.said("/verdict")]

        assert pictures == ["b.png"]

    def test_gave_way(self, broker):
        """An event that gave way in a full spool is not brought either, once the next one is sent."""
        sink = MqttSink(MqttTable(port=broker.port), threading.Event())
        sink.open()
        client, event = sink._connection.client, made()
        sink._pending = "gone", 65_000  # a message that is never acknowledged
        with Subscriber(broker.port) as subscriber:
            sink.send(event)
            until(lambda: subscriber.ids)
        sink.close()

        assert client is not sink._connection.client
        assert list(subscriber.ids) == [event.id]


class TestTrigger:
    def test_odd_messages(self, broker, pressed):
        """Brackets without end press the shutter without a part, and the next message is heard."""
        trigger, _, parts = pressed(broker.port)
        until(lambda: trigger._connection.hears)
        with Subscriber(broker.port, "none") as other:
            other.client.publish("plc/top", b'{"a":' + b"[" * 100_000, qos=1)
            other.client.publish("plc/top", json.dumps({"part": "A-17"}), qos=1)
            until(lambda: "A-17" in parts)

        assert parts == ["", "A-17"]

    def test_retained(self, broker, pressed):
        """What the broker had kept from before presses no shutter."""
        with Subscriber(broker.port, "plc/#") as other:
            other.client.publish("plc/top", "old", qos=1, retain=True)
            until(lambda: other.messages)
            trigger, _, parts = pressed(broker.port)
            until(lambda: trigger._connection.hears)
            other.client.publish("plc/top", "new", qos=1)
            until(lambda: "new" in parts)

        assert parts == ["new"]

    def test_dead_thread(self, broker, pressed):
        """Where paho's thread has ended the line has stopped, until there is a new connection that hears."""
        trigger, status, parts = pressed(broker.port)
        until(lambda: trigger._connection.hears)
        with Subscriber(broker.port, "none") as other:
            trigger._connection.client.on_message = None
            trigger._connection.client._handle_publish = lambda: 1 / 0
            other.client.publish("plc/top", "lost", qos=1)
            until(lambda: status.has("deaf"))
            until(lambda: not status.has("deaf"))
            other.client.publish("plc/top", "A-18", qos=1)
            until(lambda: "A-18" in parts)

    def test_refused(self, tmp_path, pressed):
        """A broker that refuses the topic is told of, and the line has stopped."""
        plugin = next(Path("/usr/lib").rglob("mosquitto_dynamic_security.so"), None)
        if plugin is None:
            pytest.skip("needs mosquitto's plugin for rights")
        (tmp_path / "rights.json").write_text(json.dumps(DEAF))
        rules = ("allow_anonymous true", f"plugin {plugin}", f"plugin_opt_config_file {tmp_path}/rights.json")
        with Mosquitto(tmp_path / "broker", rules) as broker:
            trigger, status, _ = pressed(broker.port)
            until(lambda: trigger._connection.is_refused and status.has("deaf"))

        assert not status.is_running
