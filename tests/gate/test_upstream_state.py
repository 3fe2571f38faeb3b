"""What the gate knows of TorchServe's workers, and which requests it lets go on, wait or be refused."""

import asyncio

import pytest

from snag.core.errors import Unavailable, UnknownModel
from snag.gate.proxy.route import Route
from snag.gate.upstream.address import Upstream
from snag.gate.upstream.state import FRESH_SECONDS, UpstreamState, VersionStatus
from snag.gate.upstream.versions import VersionWorkers, Wanted
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
    return VersionWorkers(model, number, wanted=2, ready=ready, waiting=0, is_default=is_default)


async def decided(waiting):
    """What a coroutine comes to without waiting for news; None when it does wait."""
    task = asyncio.create_task(waiting)
    for _ in range(3):
        await asyncio.sleep(0)
    if task.done():
        return task.result()
    task.cancel()
    return None


class TestUpstreamState:
    def setup_method(self):
        self.clock = Clock()
        self.state = UpstreamState(grace_seconds=10, clock=self.clock)

    @run
    async def test_goes_on(self):
        """A request goes on at once while the model has a worker, also when it lacks others."""
        self.state.connect(UPSTREAM)
        self.state.saw((version(ready=1),))

        assert await decided(self.state.upstream_for(BOLT)) == UPSTREAM

    @run
    async def test_waits_then_refuses(self):
        """Without a worker it waits as long as the grace lasts; after that it is refused without waiting."""
        self.state.connect(UPSTREAM)
        self.state.saw((version(ready=1),))
        self.state.saw((version(ready=0),))

        assert await decided(self.state.upstream_for(BOLT)) is None
        self.clock.now += 10.1
        self.state.saw((version(ready=0),))
        with pytest.raises(Unavailable, match="no worker of bolt is ready"):
            await decided(self.state.upstream_for(BOLT))
        self.state.saw((version(ready=1),))
        assert await decided(self.state.upstream_for(BOLT)) == UPSTREAM

    @run
    async def test_late_is_not_gone(self):
        """A TorchServe that is only slow to describe itself goes on getting requests; one that is gone does not."""
        self.state.connect(UPSTREAM)
        self.state.saw((version(ready=1),))

        self.state.missed(gone=False)
        late = await decided(self.state.upstream_for(BOLT))
        self.state.missed(gone=True)
        gone = await decided(self.state.upstream_for(BOLT))

        assert (late, gone) == (UPSTREAM, None)

    @run
    async def test_unknown_model(self):
        """A model that nobody expects goes on, for TorchServe to say that there is none; one that is expected waits."""
        self.state.connect(UPSTREAM)
        self.state.expect([Wanted("nut", "1.0")])
        self.state.saw((version(ready=1),))

        assert await decided(self.state.upstream_for(Route("predictions", "cap"))) == UPSTREAM
        assert await decided(self.state.upstream_for(Route("predictions", "nut"))) is None

    @run
    async def test_withheld_version(self):
        """A version that is registered but not to serve, on trial or about to go, is not there for clients."""
        self.state.connect(UPSTREAM)
        self.state.expect([Wanted("bolt", "1.0")])
        self.state.saw((version(ready=2), version(ready=2, number="2.0", is_default=False)))

        assert await decided(self.state.upstream_for(Route("predictions", "bolt", "1.0"))) == UPSTREAM
        with pytest.raises(UnknownModel, match=r"there is no model bolt/2\.0"):
            await decided(self.state.upstream_for(Route("predictions", "bolt", "2.0")))

    @run
    async def test_new_model_on_trial(self):
        """TorchServe lets a new model's first version answer at once; clients get it only when it is to serve."""
        self.state.connect(UPSTREAM)
        self.state.expect([Wanted("bolt", "1.0")])
        self.state.saw((version(ready=2), version(ready=2, model="nut")))

        with pytest.raises(UnknownModel, match="there is no model nut"):
            await decided(self.state.upstream_for(Route("predictions", "nut")))
        self.state.expect([Wanted("bolt", "1.0"), Wanted("nut", "1.0")])
        assert await decided(self.state.upstream_for(Route("predictions", "nut"))) == UPSTREAM

    @run
    async def test_trial_of_what_failed(self):
        """Of a model that could not be loaded the next version is tried first, then it answers."""
        self.state.connect(UPSTREAM)
        self.state.expect([Wanted("bolt", "1.0", failed="bad digest")])
        self.state.saw((version(ready=2, number="2.0"),))

        with pytest.raises(Unavailable, match="bolt could not be loaded: bad digest"):
            await decided(self.state.upstream_for(BOLT))
        self.state.expect([Wanted("bolt", "2.0")])
        assert await decided(self.state.upstream_for(BOLT)) == UPSTREAM

    @run
    async def test_settled(self):
        """It is settled once the requests that were under way are answered, whatever came after them."""
        async with self.state.patience(BOLT, 60):
            settled = asyncio.create_task(self.state.settled())
            await asyncio.sleep(0.1)
            assert not settled.done()
        async with self.state.patience(BOLT, 60):
            await asyncio.wait_for(settled, 1)

    @run
    async def test_another_torchserve(self):
        """What was known of the old TorchServe's workers is not believed of the new one."""
        self.state.connect(UPSTREAM)
        self.state.saw((version(ready=2),))

        self.state.connect(UPSTREAM)

        assert await decided(self.state.upstream_for(BOLT)) is None
        assert not self.state.is_fresh

    def test_goes_stale(self):
        """What was seen is said for a few seconds only: a poller that stands still does not keep a server healthy."""
        self.state.connect(UPSTREAM)
        self.state.saw((version(ready=2),))
        fresh = self.state.is_fresh, self.state.statuses()[0].ready

        self.clock.now += FRESH_SECONDS + 0.1

        assert (fresh, (self.state.is_fresh, self.state.statuses()[0].ready)) == ((True, 2), (False, 0))

    def test_standings(self):
        """Shown is what is registered and what should be; only what should be makes the server ready or not."""
        self.state.connect(UPSTREAM)
        self.state.expect([Wanted("bolt", "1.0"), Wanted("nut", "1.0", failed="bad digest")])
        self.state.saw((version(ready=2), version(ready=1, number="2.0", is_default=False)))

        assert self.state.statuses() == [
            VersionStatus("bolt", "1.0", is_default=True, wanted=2, ready=2, waiting=0, must_serve=True),
            VersionStatus("bolt", "2.0", is_default=False, wanted=2, ready=1, waiting=0, must_serve=False),
            VersionStatus("nut", "1.0", wanted=0, ready=0, failed="bad digest"),
        ]
