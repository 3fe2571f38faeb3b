"""What the gate knows of TorchServe's workers, what it says of its health, and how it stops."""

import asyncio

import aiohttp
import pytest

from gate.board import FRESH_SECONDS, Board, Standing
from gate.gate import Gate
from gate.health import readiness
from gate.route import Route
from gate.upstream import Upstream, Wanted
from gate.workers import Version
from snag.errors import Unavailable, UnknownModel
from tests.torchserve import GOOD, after, has_been_asked, house, lacks_workers, read_all, ready, run, says, until

PREDICT = "/predictions/bolt"
BOLT = Route("predictions", "bolt")
UPSTREAM = Upstream("http://a", "http://b", "http://c")


class Clock:
    """A clock that stands until it is told to go on."""

    now = 100.0

    def __call__(self):
        return self.now


def version(ready, model="bolt", number="1.0", is_default=True):
    """A version of a model with so many of two workers."""
    return Version(model, number, wanted=2, ready=ready, waiting=0, is_default=is_default)


async def decided(waiting):
    """What a coroutine comes to without waiting for news; None when it does wait."""
    task = asyncio.create_task(waiting)
    for _ in range(3):
        await asyncio.sleep(0)
    if task.done():
        return task.result()
    task.cancel()
    return None


class TestBoard:
    def setup_method(self):
        self.clock = Clock()
        self.board = Board(grace_seconds=10, clock=self.clock)

    @run
    async def test_goes_on(self):
        """A request goes on at once while the model has a worker, also when it lacks others."""
        self.board.connect(UPSTREAM)
        self.board.saw((version(ready=1),))

        assert await decided(self.board.upstream_for(BOLT)) == UPSTREAM

    @run
    async def test_waits_then_refuses(self):
        """Without a worker it waits as long as the grace lasts; after that it is refused without waiting."""
        self.board.connect(UPSTREAM)
        self.board.saw((version(ready=1),))
        self.board.saw((version(ready=0),))

        assert await decided(self.board.upstream_for(BOLT)) is None
        self.clock.now += 10.1
        self.board.saw((version(ready=0),))
        with pytest.raises(Unavailable, match="no worker of bolt is ready"):
            await decided(self.board.upstream_for(BOLT))
        self.board.saw((version(ready=1),))
        assert await decided(self.board.upstream_for(BOLT)) == UPSTREAM

    @run
    async def test_late_is_not_gone(self):
        """A TorchServe that is only slow to describe itself goes on getting requests; one that is gone does not."""
        self.board.connect(UPSTREAM)
        self.board.saw((version(ready=1),))

        self.board.missed(gone=False)
        late = await decided(self.board.upstream_for(BOLT))
        self.board.missed(gone=True)
        gone = await decided(self.board.upstream_for(BOLT))

        assert (late, gone) == (UPSTREAM, None)

    @run
    async def test_unknown_model(self):
        """A model that nobody expects goes on, for TorchServe to say that there is none; one that is expected waits."""
        self.board.connect(UPSTREAM)
        self.board.expect([Wanted("nut", "1.0")])
        self.board.saw((version(ready=1),))

        assert await decided(self.board.upstream_for(Route("predictions", "cap"))) == UPSTREAM
        assert await decided(self.board.upstream_for(Route("predictions", "nut"))) is None

    @run
    async def test_withheld_version(self):
        """A version that is registered but not to serve, on trial or about to go, is not there for clients."""
        self.board.connect(UPSTREAM)
        self.board.expect([Wanted("bolt", "1.0")])
        self.board.saw((version(ready=2), version(ready=2, number="2.0", is_default=False)))

        assert await decided(self.board.upstream_for(Route("predictions", "bolt", "1.0"))) == UPSTREAM
        with pytest.raises(UnknownModel, match=r"there is no model bolt/2\.0"):
            await decided(self.board.upstream_for(Route("predictions", "bolt", "2.0")))

    @run
    async def test_settled(self):
        """It is settled once the requests that were under way are answered, whatever came after them."""
        async with self.board.patience(BOLT, 60):
            settled = asyncio.create_task(self.board.settled())
            await asyncio.sleep(0.1)
            assert not settled.done()
        async with self.board.patience(BOLT, 60):
            await asyncio.wait_for(settled, 1)

    @run
    async def test_another_torchserve(self):
        """What was known of the old TorchServe's workers is not believed of the new one."""
        self.board.connect(UPSTREAM)
        self.board.saw((version(ready=2),))

        self.board.connect(UPSTREAM)

        assert await decided(self.board.upstream_for(BOLT)) is None
        assert not self.board.is_fresh

    def test_goes_stale(self):
        """What was seen is said for a few seconds only: a poller that stands still does not keep a server healthy."""
        self.board.connect(UPSTREAM)
        self.board.saw((version(ready=2),))
        fresh = self.board.is_fresh, self.board.standings()[0].ready

        self.clock.now += FRESH_SECONDS + 0.1

        assert (fresh, (self.board.is_fresh, self.board.standings()[0].ready)) == ((True, 2), (False, 0))

    def test_standings(self):
        """Shown is what is registered and what should be; only what should be makes the server ready or not."""
        self.board.connect(UPSTREAM)
        self.board.expect([Wanted("bolt", "1.0"), Wanted("nut", "1.0", failed="bad digest")])
        self.board.saw((version(ready=2), version(ready=1, number="2.0", is_default=False)))

        assert self.board.standings() == [
            Standing("bolt", "1.0", is_default=True, wanted=2, ready=2, waiting=0, must_serve=True),
            Standing("bolt", "2.0", is_default=False, wanted=2, ready=1, waiting=0, must_serve=False),
            Standing("nut", "1.0", is_default=False, wanted=0, ready=0, waiting=0, must_serve=True, failed="bad digest"),
        ]


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
        standings = [Standing("m", str(n), True, wanted, ready, 0, must) for n, (ready, wanted, must) in enumerate(workers)]

        assert readiness(standings, is_fresh=True, is_draining=False).status == status

    def test_failed(self):
        """A model that could not be loaded makes the server not ready, and is named with its reason."""
        standings = [Standing("m", "1.0", False, 0, 0, 0, True, failed="bad digest")]

        assert readiness(standings, is_fresh=True, is_draining=False).detail == "m 1.0 could not be loaded: bad digest"

    @pytest.mark.parametrize(
        ("is_fresh", "is_draining", "status"),
        [(False, False, "not_ready"), (True, True, "draining"), (False, True, "draining")],
    )
    def test_server(self, is_fresh, is_draining, status):
        """Nor is one whose TorchServe is silent, or one that is stopping."""
        standings = [Standing("m", "1.0", True, 1, 1, 0, True)]

        assert readiness(standings, is_fresh, is_draining).status == status


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
