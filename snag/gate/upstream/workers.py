"""Workers: how many of them each version of each model has, as TorchServe's management port says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp

from snag.gate.upstream.address import Upstream, key_header


@dataclass(frozen=True)
class Version:
    """One version of a model that TorchServe has registered."""

    model: str
    version: str
    wanted: int  #: workers that it should have
    ready: int  #: workers that can take a request
    waiting: int  #: requests in its queue
    is_default: bool  #: whether it answers requests that name no version


async def ask_for_workers(session: aiohttp.ClientSession, upstream: Upstream, seconds: float) -> tuple[Version, ...]:
    """Every registered version. Raises aiohttp.ClientError, TimeoutError, or ValueError for an answer of another shape."""
    try:
        async with asyncio.timeout(seconds):
            models = await _models(session, upstream)
            return tuple([version for model in models for version in await _versions(session, upstream, model)])
    except (KeyError, TypeError) as error:
        raise ValueError(f"TorchServe's description of its models lacks {error}") from error


async def _models(session: aiohttp.ClientSession, upstream: Upstream) -> list[str]:
    """The names of all models, of which TorchServe tells a hundred at a time."""
    names: list[str] = []
    start: str | None = "0"
    while start is not None:
        page = await _get(session, upstream, f"/models?limit=100&next_page_token={start}")
        names += [model["modelName"] for model in page["models"]]
        start = page.get("nextPageToken")
    return names


async def _versions(session: aiohttp.ClientSession, upstream: Upstream, model: str) -> list[Version]:
    try:
        described = await _get(session, upstream, f"/models/{model}/all")
        default = described if len(described) == 1 else await _get(session, upstream, f"/models/{model}")
    except aiohttp.ClientResponseError as error:
        if error.status == 404:  # unregistered since it was listed
            return []
        raise
    return [_version(one, default[0]["modelVersion"]) for one in described]


def _version(described: dict[str, Any], default: str) -> Version:
    return Version(
        model=described["modelName"],
        version=described["modelVersion"],
        wanted=described["minWorkers"],
        ready=sum(worker["status"] == "READY" for worker in described["workers"]),
        waiting=described.get("jobQueueStatus", {}).get("pendingRequests", 0),
        is_default=described["modelVersion"] == default,
    )


async def _get(session: aiohttp.ClientSession, upstream: Upstream, path: str) -> Any:
    async with session.get(upstream.management + path, headers=key_header(upstream.management_key)) as answer:
        answer.raise_for_status()
        return await answer.json()
