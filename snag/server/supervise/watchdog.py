"""Watchdog: tells a TorchServe that has ended, and one that hangs, from one that runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from snag.core.errors import ServerAnswer, ServerUnreachable
from snag.server.torchserve.management import Management
from snag.server.torchserve.process import TorchServe

_LOOK: Final = 0.1  #: seconds between two looks whether Java still runs
_EVERY: Final = 10.0  #: seconds between two questions
_MOST: Final = 3  #: questions in a row without an answer; with all cores busy it may be slow, but not for so long


async def until_it_ends(
    torchserve: TorchServe, hangs: Callable[[], None], every: float = _EVERY, look: float = _LOOK,
    answers: Callable[[TorchServe], Awaitable[bool]] | None = None,
) -> None:  # fmt: skip
    """Return when Java has ended. One that does not answer any more is killed, after `hangs` was called."""
    asked, missed = time.monotonic(), 0
    while torchserve.is_running():
        await asyncio.sleep(look)
        if time.monotonic() - asked < every:
            continue
        missed = 0 if await (answers or _answers)(torchserve) else missed + 1
        asked = time.monotonic()
        if missed >= _MOST and torchserve.is_running():
            hangs()
            torchserve.process.kill()


async def _answers(torchserve: TorchServe) -> bool:
    return await asyncio.to_thread(_answers_now, torchserve)


def _answers_now(torchserve: TorchServe) -> bool:
    upstream = torchserve.upstream()
    if upstream is None:  # it has had its time to write its keys: bringing it up has ended
        return False
    try:
        Management(upstream, timeout=_EVERY).models()
    except ServerAnswer:
        return True
    except ServerUnreachable:
        return False
    return True
