"""What the gate says of its health, and how it stops."""

import asyncio

import aiohttp
import pytest

from snag.gate.gate import Gate
from snag.gate.health import readiness
from snag.gate.upstream.state import VersionStatus
from tests.support.torchserve import GOOD, after, has_been_asked, house, lacks_workers, read_all, ready, run, says, until

PREDICT = "/predictions/bolt"


class TestReadiness:
    @pytest.mark.parametrize(
        ("workers", "status"),
        [
            ([(2, 2, True)], "ready"),
            ([(2, 2, True), (0, 2, False)], "ready"),
            ([(1, 2, True)], "partial"),
            ([(2, 2, True), (0, 2, True)], "not_ready"),
            ([(0, 0, True)], "not_ready"),
            ([(2, 2, False)], "not_ready"),
            ([], "not_ready"),
        ],
    )
    def test_workers(self, workers, status):
        """Ready is all workers of all that must serve; partial is some of each; a server without a model is not ready."""
        statuses = [
            VersionStatus("m", str(n), wanted, ready, must_serve=must) for n, (ready, wanted, must) in enumerate(workers)
        ]

        assert readiness(statuses, is_fresh=True, is_draining=False).status == status

    def test_failed(self):
        """A model that could not be loaded makes the server not ready, and is named with its reason."""
        statuses = [VersionStatus("m", "1.0", 0, 0, failed="bad digest")]

        assert readiness(statuses, is_fresh=True, is_draining=False).detail == "m 1.0 could not be loaded: bad digest"

    @pytest.mark.parametrize(
        ("is_fresh", "is_draining", "status"),
        [(False, False, "not_ready"), (True, True, "draining"), (False, True, "draining")],
    )
    def test_server(self, is_fresh, is_draining, status):
        """Nor is one whose TorchServe is silent, or one that is stopping."""
        statuses = [VersionStatus("m", "1.0", 1, 1)]

        assert readiness(statuses, is_fresh, is_draining).status == status


class TestProbes:
    @run
    async def test_ready(self, tmp_path):
        """The answer lists every version with its workers, on both ports that clients may probe."""
        async with house(tmp_path) as one:
            answers = [await one.ask("/health/ready", "GET", None, port) for port in ("inference", "management")]

        row = {"model": "bolt", "version": "1.0", "default": True, "workers": 1, "ready": 1, "required": True}
        assert [(status, said) for status, said, _ in answers] == [(200, {"status": "ready", "models": [row]})] * 2

    @run
    async def test_dead_worker(self, tmp_path):
        """A worker's death is said as soon as it is seen, in the shape of errors, and so is its return."""
        async with house(tmp_path) as one:
            one.torchserve.models["bolt"]["1.0"] = (1, 2)
            await until(lambda: lacks_workers(one))

            status, said, _ = await one.ask("/health/ready", "GET", None)
            ping = await one.ask("/ping", "GET", None)

            assert (status, said["status"], said["error"]["code"]) == (503, "partial", "unavailable")
            assert "bolt 1.0 has 1 of 2 workers" in said["error"]["message"]
            assert ping[:2] == (200, {"status": "Partial Healthy"})
            one.torchserve.models["bolt"]["1.0"] = (2, 2)
            await until(lambda: ready(one))

    @run
    async def test_torchserve_gone(self, tmp_path):
        """Without TorchServe the server lives, but is not ready."""
        async with house(tmp_path) as one:
            one.gate.connect(None)

            live, said, ping = [await one.ask(path, "GET", None) for path in ("/health/live", "/health/ready", "/ping")]

        assert [live[:2], said[0], ping[:2]] == [(200, {"status": "alive"}), 503, (503, {"status": "Unhealthy"})]

    @pytest.mark.parametrize("trouble", ["silent", "nonsense"])
    @run
    async def test_management_out_of_order(self, tmp_path, trouble):
        """A management port that answers nonsense, or nothing of use, makes the server not ready; the gate asks on."""
        async with house(tmp_path) as one:
            if trouble == "silent":
                one.torchserve.described = False
            else:
                one.torchserve.models["bolt"]["1.0"] = ("two", 1)
            await until(lambda: lacks_workers(one))

            one.torchserve.described = True
            one.torchserve.models["bolt"]["1.0"] = (1, 1)

            await until(lambda: ready(one))

    @run
    async def test_many_models(self, tmp_path):
        """More models than TorchServe names at once are all seen."""
        async with house(tmp_path, connected=False) as one:
            one.torchserve.models = {f"part-{number}": {"1.0": (1, 1)} for number in range(230)}
            one.gate.connect(one.torchserve.upstream)
            await until(lambda: ready(one))

            _, said, _ = await one.ask("/health/ready", "GET", None)

        assert [row["model"] for row in said["models"]] == [f"part-{number}" for number in range(230)]

    @run
    async def test_probe_of_a_broken_request(self, tmp_path):
        """A probe is answered whatever method it uses."""
        async with house(tmp_path) as one, one.client.head(one.url("/health/ready")) as answer:
            assert answer.status == 200


class TestDrain:
    @run
    async def test_drain(self, tmp_path):
        """What is under way is answered; what is new is refused, on new connections and on open ones."""
        async with house(tmp_path) as one:
            gone = asyncio.Event()
            one.torchserve.script = [after(gone, GOOD)]
            under_way = asyncio.create_task(one.ask(PREDICT))
            await until(lambda: has_been_asked(one))
            reader, writer = await asyncio.open_connection("127.0.0.1", one.settings.inference[1])
            writer.write(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readuntil(b"}]}")

            draining = asyncio.create_task(one.gate.drain(20))
            await until(lambda: lacks_workers_on_management(one))
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", one.settings.inference[1])
            writer.write(b"POST /predictions/bolt HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            refused = await reader.read()
            gone.set()

            assert (refused.startswith(b"HTTP/1.1 503 "), b"Connection: close" in refused) == (True, True)
            assert b"the server is stopping" in refused
            assert (await under_way)[0] == 200
            assert await draining == 0
            writer.close()
            await writer.wait_closed()

    @run
    async def test_answers_that_are_read_slowly(self, tmp_path):
        """An answer that is being sent when the server stops is sent to its end."""
        async with house(tmp_path) as one:
            one.torchserve.script = [says(200, body=b"x" * 30_000_000)]
            with one.connect() as slow:
                slow.sendall(b"POST /predictions/bolt HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
                await until(lambda: has_been_asked(one))
                draining = asyncio.create_task(one.gate.drain(20))
                await until(lambda: lacks_workers_on_management(one))

                said = await asyncio.to_thread(read_all, slow)

            assert (len(said.partition(b"\r\n\r\n")[2]), await draining) == (30_000_000, 0)

    @run
    async def test_impatient(self, tmp_path):
        """What does not end in time is counted, and cut off when the gate closes."""
        async with house(tmp_path) as one:
            one.torchserve.script = [after(asyncio.Event(), GOOD)]
            hanging = asyncio.create_task(one.ask(PREDICT))
            await until(lambda: has_been_asked(one))

            assert await one.gate.drain(0.1) == 1
            await one.gate.close()
            with pytest.raises(aiohttp.ClientConnectionError):
                await hanging

    @run
    async def test_port_taken(self, tmp_path):
        """A gate whose port is taken says so and leaves nothing open."""
        async with house(tmp_path) as one:
            with pytest.raises(OSError, match="address already in use"):
                await Gate(one.settings).open()

            assert await ready(one)


async def lacks_workers_on_management(one):
    """Whether the port that stays open says that the server is not ready."""
    return (await one.ask("/health/ready", "GET", None, "management"))[0] == 503
