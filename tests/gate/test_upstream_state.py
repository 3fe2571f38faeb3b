"""The gate's board: what it knows of TorchServe's workers, and which requests it lets go on, wait or be refused."""

import asyncio

import pytest

from snag.core.errors import Unavailable, UnknownModel
from snag.gate.proxy.route import Route
from snag.gate.upstream.address import Upstream, Wanted
from snag.gate.upstream.state import FRESH_SECONDS, Board, Standing
from snag.gate.upstream.workers import Version
from tests.support.torchserve import run

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
    async def test_new_model_on_trial(self):
        """TorchServe lets a new model's first version answer at once; clients get it only when it is to serve."""
        self.board.connect(UPSTREAM)
        self.board.expect([Wanted("bolt", "1.0")])
        self.board.saw((version(ready=2), version(ready=2, model="nut")))

        with pytest.raises(UnknownModel, match="there is no model nut"):
            await decided(self.board.upstream_for(Route("predictions", "nut")))
        self.board.expect([Wanted("bolt", "1.0"), Wanted("nut", "1.0")])
        assert await decided(self.board.upstream_for(Route("predictions", "nut"))) == UPSTREAM

    @run
    async def test_trial_of_what_failed(self):
        """Of a model that could not be loaded the next version is tried first, then it answers."""
        self.board.connect(UPSTREAM)
        self.board.expect([Wanted("bolt", "1.0", failed="bad digest")])
        self.board.saw((version(ready=2, number="2.0"),))

        with pytest.raises(Unavailable, match="bolt could not be loaded: bad digest"):
            await decided(self.board.upstream_for(BOLT))
        self.board.expect([Wanted("bolt", "2.0")])
        assert await decided(self.board.upstream_for(BOLT)) == UPSTREAM

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
