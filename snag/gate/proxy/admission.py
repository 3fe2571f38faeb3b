"""Admission: how many requests, and how many of their bytes, are in the house at once."""

from __future__ import annotations

import asyncio
from types import TracebackType

from snag.core.errors import Overloaded, Unavailable


class Admission:
    """Counts what is under way. More than the limits is refused at once: a queue in front of a queue only hides the trouble."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.in_flight = 0
        self.is_closed = False

    def enter(self) -> Place:
        """A place for one request. Raises Overloaded, or Unavailable when the server is stopping."""
        if self.is_closed:
            raise Unavailable(detail="the server is stopping")
        if self.in_flight >= self._most:
            raise Overloaded(detail=f"{self.in_flight} are under way")
        self.in_flight += 1
        self._idle.clear()
        return Place(self)

    def close(self) -> None:
        """Let nobody in any more."""
        self.is_closed = True

    async def wait_until_idle(self, seconds: float) -> int:
        """Wait until everybody has left; how many are still there after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            pass
        return self.in_flight

    def _hold(self, size: int) -> None:
        if self._bytes + size > self._most_bytes:
            raise Overloaded(detail="the pictures under way fill the memory that is set aside for them")
        self._bytes += size

    def _leave(self, held: int) -> None:
        self._bytes -= held
        self.in_flight -= 1
        if not self.in_flight:
            self._idle.set()


class Place:
    """One request's place; left with the `with` block."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._held = 0

    def hold(self, size: int) -> None:
        """Set memory aside for so many more bytes of the body. Raises Overloaded."""
        self._admission._hold(size)
        self._held += size

    def __enter__(self) -> Place:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._admission._leave(self._held)
