"""The line as an OPC UA server, asked by a real client."""

import asyncio
import math
import socket
import threading

import pytest

pytest.importorskip("asyncua", reason="needs the packages of the extra `line`")

from asyncua import Client, ua

from snag.core.errors import BadConfig, SinkAway
from snag.line.sink_tables import OpcUaTable
from snag.line.sinks.opcua import OpcUaSink
from snag.server.state.ports import free_ports
from tests.support.line import configured, drop, running, until


@pytest.fixture
def port():
    return free_ports(1)[0]


async def wait(holds):
    async with asyncio.timeout(20):
        while not await holds():
            await asyncio.sleep(0.02)


class Controller:
    """A client as a machine's controller has one."""

    def __init__(self, port, name=None, password=None):
        self.client = Client(f"opc.tcp://127.0.0.1:{port}/snag/", timeout=5)
        if name:
            self.client.set_user(name)
            self.client.set_password(password)

    async def __aenter__(self):
        async with asyncio.timeout(20):
            while True:
                try:
                    await self.client.connect()
                    return self
                except (ConnectionError, OSError):
                    await asyncio.sleep(0.05)

    async def __aexit__(self, *_):
        await self.client.disconnect()

    def node(self, key):
        return self.client.get_node(f"ns=2;s={key}")

    async def read(self, key):
        return await self.node(key).read_value()

    async def write(self, key, value):
        await self.node(key).write_value(ua.DataValue(ua.Variant(value, ua.VariantType.UInt32)))


class TestNodes:
    def test_event(self, tmp_path, gate, port):
        """A controller reads verdict, score, p-value and counter of each source, and sees state and a heartbeat that grows."""

        async def asks():
            async with Controller(port) as controller:
                first = await controller.read("Heartbeat")
                drop(tmp_path / "in", "a.png", b"bad")
                await wait(lambda: is_number(controller, 1))
                names = ("Decision", "Reject", "Anomaly", "Score", "PValue", "Cause", "Picture")
                judged = [await controller.read(f"in.{name}") for name in names]
                gate.stop()
                drop(tmp_path / "in", "b.png", b"good")
                await wait(lambda: is_number(controller, 2))
                unjudged = [await controller.read(f"in.{name}") for name in names]
                await wait(lambda: grown(controller, first))
                state = [await controller.read(name) for name in ("State", "Running", "Troubles")]
                with pytest.raises(ua.UaStatusCodeError):
                    await controller.write("Heartbeat", 7)
                return judged, unjudged, state

        settings = {"deadline": 0.3, "heartbeat": 0.05}
        with running(configured(tmp_path, gate, fail_safe=settings, opcua={"port": port})):
            judged, unjudged, state = asyncio.run(asks())

        assert judged == ["reject", True, True, 2.5, 0.0625, "verdict", "a.png"]
        assert unjudged[:3] + unjudged[5:] == ["reject", True, False, "silent", "b.png"]
        assert math.isnan(unjudged[3])
        assert state == ["running", True, "silent"]

    def test_acknowledge(self, tmp_path, gate, port, monkeypatch):
        """With a handshake the next event comes only after the last one was acknowledged; with a user nobody else gets in."""

        async def asks():
            seen = []
            async with Controller(port, "plc", "secret") as controller:
                for number in (1, 2, 3):
                    await wait(lambda number=number: is_number(controller, number))
                    await asyncio.sleep(0.1)
                    assert await is_number(controller, number)
                    seen.append(await controller.read("in.Picture"))
                    await controller.write("in.Acknowledged", number)
            for who in ((), ("plc", "wrong"), ("other", "secret")):
                with pytest.raises(ua.UaStatusCodeError):
                    async with Controller(port, *who):
                        pass
            return seen

        monkeypatch.setenv("SNAG_OPCUA_PASSWORD", "secret")
        for name in ("a.png", "b.png", "c.png"):
            drop(tmp_path / "in", name, b"good")
        with running(configured(tmp_path, gate, opcua={"port": port, "acknowledge": True, "username": "plc"})) as line:
            seen = asyncio.run(asks())
            until(lambda: not line.journal.lengths()["opcua"])

        assert seen == ["a.png", "b.png", "c.png"]

    def test_zero(self, port):
        """A controller may write 0, and what a node holds at first is no writing."""
        taken = []
        sink = OpcUaSink(OpcUaTable(port=port), threading.Event())
        sink.expect(["top"])
        sink.on_trigger("top", taken.append)

        async def asks():
            async with Controller(port) as controller:
                for value in (1, 0):
                    await controller.write("top.Trigger", value)
                    await wait(lambda value=value: said(value))

        async def said(value):
            return str(value) in taken

        sink.open()
        try:
            asyncio.run(asks())
        finally:
            sink.close()

        assert taken == ["1", "0"]

    def test_no_password(self, monkeypatch):
        """A user whose password is nowhere could never log in: the line does not start."""
        monkeypatch.delenv("SNAG_OPCUA_PASSWORD", raising=False)

        with pytest.raises(BadConfig, match="expected its password in the environment, as SNAG_OPCUA_PASSWORD"):
            OpcUaSink(OpcUaTable(username="plc"), threading.Event())

    def test_port_taken(self, port):
        """A port that is taken is told."""
        with socket.create_server(("127.0.0.1", port)), pytest.raises(SinkAway, match="in use"):
            OpcUaSink(OpcUaTable(port=port), threading.Event()).open()


async def is_number(controller, number):
    return await controller.read("in.Number") == number


async def grown(controller, first):
    return await controller.read("Heartbeat") > first
