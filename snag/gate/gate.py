"""Gate: the public ports of the server, from opening to closing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import aiohttp

from snag.drift.martingale import Alarm
from snag.gate.drift import Drift, StreamLine
from snag.gate.log import RequestLog
from snag.gate.management import ManagementView
from snag.gate.metrics import GateMetrics
from snag.gate.proxy.admission import Admission
from snag.gate.proxy.forward import Forwarder
from snag.gate.proxy.inference import Inference
from snag.gate.proxy.listener import Listener
from snag.gate.scrape import MetricsScrape
from snag.gate.settings import GateSettings
from snag.gate.spool import Spool
from snag.gate.tokens import Guard
from snag.gate.upstream.address import Upstream
from snag.gate.upstream.poller import Poller
from snag.gate.upstream.state import UpstreamState
from snag.gate.upstream.versions import Wanted


class Gate:
    """What clients talk to. Made, opened and closed inside of one running event loop.

    `metrics` holds what is counted; whoever restarts TorchServe counts `metrics.restarts`.
    """

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._admission = Admission(settings.max_in_flight, settings.max_buffered_bytes)
        self._upstream_state = UpstreamState(settings.grace_seconds)
        self.metrics = GateMetrics(self._upstream_state, lambda: self._admission.in_flight, lambda: self._admission.is_closed)
        self.log = RequestLog(settings.log_file, settings.log_level, settings.console, self.metrics.log_errors.inc)
        self._drift = Drift(
            settings.drift_file, self._note_drift, lambda why: self.log.event("error", "drift_file", detail=why)
        )
        self.metrics.registry.register(self._drift)
        self._spool = None if settings.spool is None else Spool(settings.spool, self.metrics.spool_lost.inc)
        self._session: aiohttp.ClientSession | None = None
        self._poller: Poller | None = None
        self._listeners: dict[str, Listener] = {}

    async def open(self) -> None:
        """Listen on the three ports.

        Raises BadArtifact for a file of tokens that is missing, damaged or open to others, OSError for a port that is taken.
        """
        settings = self._settings
        guard = (
            None
            if settings.tokens is None
            else Guard(settings.tokens, lambda why: self.log.event("error", "tokens_refused", detail=why))
        )
        self._session = session = _session()
        self.log.start()
        if self._spool is not None:
            self._spool.start()
        forwarder = Forwarder(session, self._upstream_state, settings, self._count_retry)
        inference = Inference(
            settings, forwarder, self._upstream_state, self._admission, guard, self.metrics, self._drift, self.log, self._spool
        )
        handlers = {
            "inference": (inference.handle, settings.inference),
            "management": (ManagementView(session, self._upstream_state, inference).handle, settings.management),
            "metrics": (MetricsScrape(session, self._upstream_state, self.metrics).handle, settings.metrics),
        }
        try:
            for name, (handler, address) in handlers.items():
                listener = Listener(handler, inference.garbage, address, settings)
                await listener.open()
                self._listeners[name] = listener
        except OSError:
            await self.close()
            raise
        self._poller = Poller(session, self._upstream_state, self.log, settings.poll_seconds)
        self._poller.start()
        self._drift.start()

    def connect(self, upstream: Upstream | None) -> None:
        """TorchServe listens there now; None: it is gone, requests wait for a while and are then refused."""
        self._upstream_state.connect(upstream)

    def expect(self, wanted: Iterable[Wanted] | None) -> None:
        """What must be ready for the server to be; None, as at first: whatever TorchServe has registered.

        A request for a model that is expected but not registered yet waits, instead of being told that there is none.
        """
        self._upstream_state.expect(wanted)

    async def refresh(self) -> None:
        """Ask TorchServe for its workers now, not within a second: whoever has just changed them may rely on it."""
        if self._poller is not None:
            await self._poller.poll()

    async def settled(self) -> None:
        """Wait until every request that is under way now is answered: what was the default before is then asked no more."""
        await self._upstream_state.settled()

    async def drain(self, seconds: float) -> int:
        """Take no more predictions and wait for those in flight; how many of them were not done in time."""
        self.log.event("info", "draining", in_flight=self._admission.in_flight)
        self._admission.close()
        self._listeners["inference"].refuse_connections()
        # Whoever is just sending on a connection that was idle is told so, instead of finding it broken.
        await asyncio.sleep(min(seconds, self._settings.farewell_seconds))
        left = await self._admission.wait_until_idle(seconds)
        self.log.event("warning" if left else "info", "drained", cut_off=left)
        return left

    async def close(self) -> None:
        """Close every port and connection. Safe to call again."""
        if self._poller is not None:
            await self._poller.stop()
        for listener in self._listeners.values():
            await listener.close()
        if self._session is not None:
            await self._session.close()
        await self._drift.stop()
        if self._spool is not None:
            self._spool.stop()
        self.log.stop()

    def _note_drift(self, line: StreamLine, alarm: Alarm) -> None:
        evidence = {name: round(value, 2) for name, value in alarm.evidence.items()}
        self.log.event("warning", "drift", **line._asdict(), cause=alarm.cause, pictures=alarm.pictures, evidence=evidence)

    def _count_retry(self, model: str) -> None:
        self.metrics.retries.labels(self.metrics.label(model)).inc()


def _session() -> aiohttp.ClientSession:
    """Connections to TorchServe: as many as there are requests, and nothing that this machine's environment could change."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),  # admission limits
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # each question has its own
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
        read_bufsize=2**20,
    )
