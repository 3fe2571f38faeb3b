"""TorchServe's management, asked within the gate's event loop: how many workers each version of each model has."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, TypeVar

import aiohttp

from snag.gate.upstream.address import Upstream, key_header
from snag.gate.upstream.versions import Conversation, VersionWorkers, all_versions

T = TypeVar("T")


async def ask_for_workers(session: aiohttp.ClientSession, upstream: Upstream, seconds: float) -> tuple[VersionWorkers, ...]:
    """Every registered version. Raises aiohttp.ClientError, TimeoutError, or ValueError for an answer of another shape."""
    async with asyncio.timeout(seconds):
        return tuple(await _converse(all_versions(), session, upstream))


async def _converse(conversation: Conversation[T], session: aiohttp.ClientSession, upstream: Upstream) -> T:
    try:
        path = next(conversation)
        while True:
            path = conversation.send(await _get(session, upstream, path))
    except StopIteration as end:
        found: T = end.value
        return found


async def _get(session: aiohttp.ClientSession, upstream: Upstream, path: str) -> Any:
    async with session.get(upstream.management + path, headers=key_header(upstream.management_key)) as answer:
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        answer.raise_for_status()
        return await answer.json()
