"""Poller: asks TorchServe for its workers, again and again, and notes the answer in UpstreamState."""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp

from snag.gate.log import RequestLog
from snag.gate.upstream.state import UpstreamState
from snag.gate.upstream.versions import VersionWorkers
from snag.gate.upstream.workers import ask_for_workers

_PATIENCE: Final = 2.0  #: seconds for one poll: a death must be seen within five
_HURRY: Final = 0.2  #: seconds between polls while somebody waits


class Poller:
    """Runs from `start` to `stop`."""

    def __init__(self, session: aiohttp.ClientSession, upstream_state: UpstreamState, log: RequestLog, seconds: float) -> None:
        self._session = session
        self._upstream_state = upstream_state
        self._log = log
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None
        self._said: object = None

    def start(self) -> None:
        """Poll at once and then for ever."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Poll no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self.poll()
            await asyncio.sleep(min(_HURRY, self._seconds))
            try:
                async with asyncio.timeout(max(0.0, self._seconds - _HURRY)):
                    await self._upstream_state.watched.wait()
            except TimeoutError:
                pass

    async def poll(self) -> None:
        """Ask once."""
        upstream = self._upstream_state.upstream
        if upstream is None:
            self._upstream_state.missed(gone=True)
            return
        try:
            versions = await ask_for_workers(self._session, upstream, _PATIENCE)
        except Exception as error:  # whatever TorchServe answers, it is asked again
            late = isinstance(error, TimeoutError)
            self._say("late" if late else "gone", "warning", "torchserve_silent", detail=f"{type(error).__name__}: {error}")
            self._upstream_state.missed(gone=not late)
            return
        if upstream is not self._upstream_state.upstream:  # another one was started meanwhile
            return
        self._upstream_state.saw(versions)
        self._tell(versions)

    def _tell(self, versions: tuple[VersionWorkers, ...]) -> None:
        """Note in the log what has changed since it was last noted."""
        lacking = [f"{one.model} {one.version}: {one.ready} of {one.wanted}" for one in versions if one.ready < one.wanted]
        level, event = ("warning", "workers_lacking") if lacking else ("info", "workers_ready")
        state = sorted((one.model, one.version, one.ready, one.wanted, one.is_default) for one in versions)
        self._say(state, level, event, workers=lacking or [f"{one.model} {one.version}: {one.ready}" for one in versions])

    def _say(self, state: object, level: str, event: str, **fields: object) -> None:
        if state != self._said:
            self._said = state
            self._log.event(level, event, **fields)
