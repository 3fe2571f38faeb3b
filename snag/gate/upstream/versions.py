"""What TorchServe's management says of its models: which paths to ask, and what the answers mean.

A conversation is a generator: it yields the path to GET, is sent the parsed JSON, None where TorchServe knows no such thing
(404), and returns what it has found out; it raises ValueError for an answer of another shape. It does not know how one asks:
the gate does within its event loop (workers.py), the server room from threads (`snag.server.torchserve.management`).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from snag.gate.upstream.messages import WORKER_READY

T = TypeVar("T")
Conversation = Generator[str, Any, T]


@dataclass(frozen=True)
class VersionWorkers:
    """One version of one model: how many of its workers can take work."""

    model: str
    version: str
    wanted: int  #: workers that it should have
    ready: int  #: workers that can take a request
    waiting: int = 0  #: requests in its queue
    is_default: bool = False  #: whether it answers requests that name no version

    @property
    def all_ready(self) -> bool:
        """Whether every worker that there should be is there and ready."""
        return self.ready >= self.wanted > 0


@dataclass(frozen=True)
class Wanted:
    """One version of a model that should serve."""

    model: str
    version: str
    failed: str | None = None  #: why it does not, where loading it failed


def model_names() -> Conversation[list[str]]:
    """The names of all registered models, of which TorchServe tells a hundred at a time."""
    names: list[str] = []
    start: str | None = "0"
    while start is not None:
        page = yield f"/models?limit=100&next_page_token={start}"
        try:
            names += [model["modelName"] for model in page["models"]]
            start = page.get("nextPageToken")
        except (KeyError, TypeError, AttributeError) as error:
            raise _shape(error) from error
    return names


def versions_of(model: str) -> Conversation[list[VersionWorkers]]:
    """The workers of every version of a model; none where it is not registered, or no more."""
    described = yield f"/models/{model}/all"
    if described is None:
        return []
    try:
        default = described if len(described) == 1 else (yield f"/models/{model}")
        if default is None:
            return []
        return [_version(one, default[0]["modelVersion"]) for one in described]
    except (KeyError, TypeError, IndexError) as error:
        raise _shape(error) from error


def all_versions() -> Conversation[list[VersionWorkers]]:
    """The workers of everything that is registered."""
    versions = []
    for model in (yield from model_names()):
        versions += yield from versions_of(model)
    return versions


def _version(described: Any, default: str) -> VersionWorkers:
    return VersionWorkers(
        model=described["modelName"],
        version=described["modelVersion"],
        wanted=described["minWorkers"],
        ready=sum(worker["status"] == WORKER_READY for worker in described["workers"]),
        waiting=described.get("jobQueueStatus", {}).get("pendingRequests", 0),
        is_default=described["modelVersion"] == default,
    )


def _shape(error: Exception) -> ValueError:
    return ValueError(f"TorchServe's description of its models lacks {error}")
