"""UpstreamState: what is known of TorchServe and its workers right now, and who waits for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from typing import Final

from snag.core.errors import Timeout, Unavailable, UnknownModel
from snag.gate.proxy.route import Route
from snag.gate.upstream.address import Upstream
from snag.gate.upstream.versions import VersionWorkers, Wanted

_LOOK: Final = 0.05  #: seconds between two looks whether requests are answered
FRESH_SECONDS: Final = 4.0  #: what is older than this is no longer said to be so


@dataclass(frozen=True)
class VersionStatus(VersionWorkers):
    """One version of a model as health and metrics show it; one that is not registered has no workers."""

    must_serve: bool = True  #: whether the server is ready only when this one is
    failed: str | None = None  #: why it could not be loaded

    @property
    def all_ready(self) -> bool:
        """Whether every worker that there should be is there and ready."""
        return self.failed is None and super().all_ready


class UpstreamState:
    """Written by the poller, read by everybody.

    A request goes on only while its model has a worker: TorchServe would queue it for ever. Without one it waits, and is
    refused once the model has been without for `grace_seconds`; those that TorchServe has taken by then are given up.
    """

    def __init__(self, grace_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.upstream: Upstream | None = None
        self.watched = asyncio.Event()  #: set while somebody waits for news
        self._grace = grace_seconds
        self._clock = clock
        self._versions: tuple[VersionWorkers, ...] = ()
        self._wanted: tuple[Wanted, ...] | None = None
        self._answers = False  #: whether TorchServe can be reached, as far as is known
        self._answered_at = clock()
        self._ready_at: dict[tuple[str, str], float] = {}  #: when each version last had a worker, or was first heard of
        self._news = asyncio.Event()
        self._limits: dict[asyncio.Timeout, Route] = {}

    def connect(self, upstream: Upstream | None) -> None:
        """TorchServe is there now, or gone. What its workers do is not known before the next poll."""
        self.upstream = upstream
        self._answers = False
        self._publish()
        self.watched.set()

    def expect(self, wanted: Iterable[Wanted] | None) -> None:
        """What must be ready for the server to be; None: whatever is registered."""
        self._wanted = None if wanted is None else tuple(wanted)
        for one in self._wanted or ():
            self._ready_at.setdefault((one.model, one.version), self._clock())
        self._publish()

    def saw(self, versions: tuple[VersionWorkers, ...]) -> None:
        """TorchServe has these versions."""
        now = self._clock()
        self._versions, self._answers, self._answered_at = versions, True, now
        for one in versions:
            key = (one.model, one.version)
            if one.ready or key not in self._ready_at:
                self._ready_at[key] = now
        self._publish()

    def missed(self, gone: bool) -> None:
        """TorchServe did not answer: it is gone, or it was late, which with all cores busy proves nothing."""
        self._answers = self._answers and not gone
        self._publish()

    @property
    def is_fresh(self) -> bool:
        """Whether what is known was true a moment ago."""
        return self._answers and self._clock() - self._answered_at < FRESH_SECONDS

    def knows(self, model: str) -> bool:
        """Whether there is such a model: only those may become labels of metrics."""
        return model in {one.model for one in self._versions} | {one.model for one in self._wanted or ()}

    def has_workers(self, route: Route) -> bool:
        """Whether the model had a worker when TorchServe was last asked."""
        return any(one.ready for one in self._registered(route))

    def statuses(self) -> list[VersionStatus]:
        """Everything that is registered or should be."""
        fresh = self.is_fresh
        wanted = {(one.model, one.version): one for one in self._wanted or ()}
        found = []
        for one in self._versions:
            asked = wanted.pop((one.model, one.version), None)
            must, failed = self._wanted is None or asked is not None, asked.failed if asked else None
            seen = one if fresh else replace(one, ready=0)
            found.append(VersionStatus(**asdict(seen), must_serve=must, failed=failed))
        return found + [VersionStatus(one.model, one.version, 0, 0, failed=one.failed) for one in wanted.values()]

    async def upstream_for(self, route: Route) -> Upstream:
        """TorchServe, as soon as it can take the request.

        Raises Unavailable when that is not to be expected, UnknownModel for a version that is not to serve.
        """
        if self._is_withheld(route):
            raise UnknownModel(name=route.name)
        while True:
            if failed := self._failed(route):
                raise Unavailable(detail=f"{route.name} could not be loaded: {failed}")
            if self.upstream is not None and self._takes(route):
                return self.upstream
            if self._is_given_up(route):
                raise self._unavailable(route)
            await self.news()

    async def news(self) -> None:
        """Wait until TorchServe was asked for its workers once more."""
        self.watched.set()
        await self._news.wait()

    async def settled(self) -> None:
        """Wait until every request that TorchServe may have now is answered."""
        before = set(self._limits)
        while before & self._limits.keys():
            await asyncio.sleep(_LOOK)

    @asynccontextmanager
    async def patience(self, route: Route, seconds: float) -> AsyncIterator[None]:
        """Wait inside no longer than `seconds`, nor for a model that is given up meanwhile. Raises Timeout or Unavailable."""
        try:
            async with asyncio.timeout(seconds) as limit:
                self._limits[limit] = route
                try:
                    yield
                finally:
                    del self._limits[limit]
        except TimeoutError:
            raise self._unavailable(route) if self._is_given_up(route) else Timeout(seconds=seconds) from None

    def _publish(self) -> None:
        self.watched.clear()
        self._news.set()
        self._news = asyncio.Event()
        for limit, route in self._limits.items():
            if self._is_given_up(route) and not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())

    def _takes(self, route: Route) -> bool:
        """Whether a request can go on now; one for a model that nobody has heard of can, and TorchServe says so."""
        registered = self._registered(route)
        return self._answers and (any(one.ready for one in registered) or not (registered or self._is_wanted(route)))

    def _is_given_up(self, route: Route) -> bool:
        registered = [(one.model, one.version) for one in self._registered(route)]
        keys = registered or [key for key in self._ready_at if _fits(route, *key)]
        if not keys and self._answers:
            return False
        last = max((self._ready_at[key] for key in keys), default=self._answered_at)
        return self._clock() - last > self._grace

    def _registered(self, route: Route) -> list[VersionWorkers]:
        return [
            one
            for one in self._versions
            if one.model == route.model and (one.is_default if route.version is None else one.version == route.version)
        ]

    def _is_wanted(self, route: Route) -> bool:
        return any(_fits(route, one.model, one.version) for one in self._wanted or ())

    def _is_withheld(self, route: Route) -> bool:
        """Whether the route leads to a version that is still being tried, or about to be taken away.

        Of a model that is new, TorchServe makes the version that is tried its default at once.
        """
        is_there = route.version is not None or bool(self._registered(route))
        return self._wanted is not None and is_there and not self._is_wanted(route)

    def _failed(self, route: Route) -> str | None:
        """Why none of the versions that could answer was loaded; None where one still may be."""
        reasons = [one.failed for one in self._wanted or () if _fits(route, one.model, one.version)]
        return reasons[0] if reasons and all(reasons) else None

    def _unavailable(self, route: Route) -> Unavailable:
        if self.upstream is None or not self._answers:
            return Unavailable(detail="the model server is starting again")
        return Unavailable(detail=f"no worker of {route.name} is ready")


def _fits(route: Route, model: str, version: str) -> bool:
    return model == route.model and route.version in (None, version)
