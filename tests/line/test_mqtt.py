"""The line and a real broker: what is published, and that nothing is lost when either is killed."""

import os
import subprocess
import threading

import pytest

pytest.importorskip("paho.mqtt", reason="needs the packages of the extra `line`")

from snag.core.errors import SinkAway
from snag.line.sink_tables import MqttTable
from snag.line.sinks.mqtt import MqttSink
from tests.support.line import configured, drop, running, until
from tests.support.mosquitto import Mosquitto, Subscriber


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker:
        yield broker


class TestOut:
    def test_walk(self, tmp_path, gate, broker):
        """Each event comes on its source's topic; the broker keeps the state, the heartbeat grows; in the end all is off."""
        with Subscriber(broker.port) as subscriber:
            with running(configured(tmp_path, gate, mqtt={"port": broker.port})) as line:
                drop(tmp_path / "in", "a.png", b"bad")
                until(lambda: subscriber.ids and len(subscriber.said("/heartbeat")) > 2)
                with Subscriber(broker.port, "snag/line/state", "late") as late:
                    until(lambda: late.messages)
                    kept = late.said("/state")[0], late.messages[0][2]
                sink = line.sinks[0]
            until(lambda: subscriber.said("/state")[-1]["state"] == "offline")
        [event] = subscriber.said("/in/verdict")
        beats = [beat["heartbeat"] for beat in subscriber.said("/heartbeat")]

        assert (event["decision"], event["picture"], event["score"]) == ("reject", "a.png", 2.5)
        assert (kept[0]["state"], kept[1]) == ("running", True)
        assert beats == sorted(set(beats))
        assert sink._pending is None

    def test_stopped(self, tmp_path, gate, broker):
        """The heartbeat of a line that has stopped stands still, and its state says why."""
        gate.stop()
        drop(tmp_path / "in", "a.png", b"good")
        settings = {"deadline": 0.2, "silent": "stop"}
        with (
            Subscriber(broker.port) as subscriber,
            running(configured(tmp_path, gate, fail_safe=settings, mqtt={"port": broker.port})) as line,
        ):
            until(lambda: subscriber.said("/state") and subscriber.said("/state")[-1]["state"] == "stopped")
            beats = len(subscriber.said("/heartbeat"))
            for _ in range(5):
                line.turn()
            drop(tmp_path / "in", "b.png", b"good")
            state = subscriber.said("/state")[-1]
            gate.start()
            until(lambda: len(subscriber.said("/heartbeat")) > beats and len(subscriber.ids) == 2)

        assert "silent" in state["troubles"]

    def test_last_will(self, tmp_path, gate, broker):
        """When the line is gone without a word, the broker says that it is off."""
        with (
            Subscriber(broker.port) as subscriber,
            running(configured(tmp_path, gate, mqtt={"port": broker.port, "keepalive": 2})) as line,
        ):
            until(lambda: subscriber.said("/state"))
            line.sinks[0]._connection.client.socket().shutdown(2)
            until(lambda: subscriber.said("/state")[-1]["state"] == "offline")
            until(lambda: subscriber.said("/state")[-1]["state"] == "running")

    def test_broker_killed(self, tmp_path, gate, broker):
        """The broker is killed again and again while parts come: each event arrives, none twice by its id."""
        with (
            Subscriber(broker.port) as subscriber,
            running(configured(tmp_path, gate, mqtt={"port": broker.port})) as line,
        ):
            for at in range(60):
                drop(tmp_path / "in", f"{at:02}.png", b"good")
                if at % 20 == 10:
                    broker.kill()
                if at % 20 == 19:
                    until(lambda at=at: len(gate.seen) >= at - 2)
                    broker.start()
            until(lambda: len(subscriber.ids) == 60 and not line.journal.lengths()["mqtt"])
        parts = {event["id"]: event["number"] for event in subscriber.said("/verdict")}

        assert sorted(parts.values()) == list(range(1, 61))


class TestSafety:
    def test_tls_and_password(self, tmp_path, gate, monkeypatch):
        """A broker that wants TLS and a user gets both; a wrong password is told, and events wait."""
        _certificate(tmp_path)
        passwords = tmp_path / "passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "line", "secret"], check=True, capture_output=True)
        tls = (f"cafile {tmp_path}/ca.pem", f"certfile {tmp_path}/ca.pem", f"keyfile {tmp_path}/key.pem")
        table = {"tls": True, "ca_file": tmp_path / "ca.pem", "username": "line", "host": "localhost"}
        rules = (*tls, f"password_file {passwords}", "allow_anonymous false")
        with Mosquitto(tmp_path / "broker", rules) as broker:
            monkeypatch.setenv("SNAG_MQTT_PASSWORD", "wrong")
            with running(configured(tmp_path, gate, mqtt=table | {"port": broker.port})) as line:
                drop(tmp_path / "in", "a.png", b"good")
                until(lambda: line.journal.lengths()["mqtt"] == 1)
                until(lambda: line.metrics.registry.get_sample_value("snag_line_sink_failures_total", {"sink": "mqtt"}))
            monkeypatch.setenv("SNAG_MQTT_PASSWORD", "secret")
            subscriber = Subscriber(broker.port, host="localhost")
            subscriber.client.username_pw_set("line", "secret")
            subscriber.client.tls_set(str(tmp_path / "ca.pem"))
            with (
                subscriber,
                running(configured(tmp_path, gate, mqtt=table | {"port": broker.port})),
            ):
                until(lambda: subscriber.ids)

        assert len(subscriber.ids) == 1

    def test_nobody(self, tmp_path):
        """A broker that is not there is told with its address."""
        with pytest.raises(SinkAway, match=r"mqtt takes no events: 127.0.0.1:1: Connection refused"):
            MqttSink(MqttTable(port=1), threading.Event()).open()


def _certificate(folder):
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", folder / "key.pem", "-out", folder / "ca.pem", "-days", "2", "-nodes"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", *files, *subject],
        check=True,
        capture_output=True,
        env=dict(os.environ),
    )
