"""Bringing versions of models up on a TorchServe that runs: register, wait for their workers, ask for a verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snag.core.errors import BadArtifact, GoldenMismatch, ServerAnswer, ServerFailed, ServerUnreachable, SnagError
from snag.gate.upstream.address import Upstream
from snag.server.state.golden import check_over_http
from snag.server.state.served import Model
from snag.server.torchserve.log import ServerLog
from snag.server.torchserve.management import Management
from snag.server.torchserve.process import TorchServe

_PAUSE: Final = 0.1  #: seconds between two looks


@dataclass(frozen=True)
class Task:
    """One version to bring up."""

    model: str
    version: str
    archive: Path  #: in TorchServe's model store


@dataclass(frozen=True)
class Result:
    """What became of it."""

    model: str
    version: str
    workers: int = 0
    failed: str | None = None  #: why it does not serve


def bring_up(
    torchserve: TorchServe,
    models: Sequence[Model],
    store: Path,
    is_running: Callable[[], bool],
    timeout: float,
    registered: Callable[[Upstream], None],
) -> list[Result]:
    """Bring every version of the models up on a TorchServe that was just started, all at once.

    `registered` is called when all are known to TorchServe, before their workers are ready. Raises ServerFailed when TorchServe
    does not answer or ends; a version that fails is a result like others.
    """
    upstream = _answering(torchserve, is_running, timeout)
    todo = tasks(models, store)
    refused = register(Management(upstream), todo)
    registered(upstream)
    left = [task for task in todo if task not in refused]
    return [*refused.values(), *wait_for(upstream, torchserve.log, left, is_running, timeout)]


def tasks(models: Sequence[Model], store: Path) -> list[Task]:
    """Every version that should serve, defaults first: TorchServe makes the first of a model its default."""
    ordered = [(place, model, version) for model in models for place, version in enumerate(model.versions)]
    ordered.sort(key=lambda entry: entry[0])
    return [Task(model.name, version.version, store / version.archive) for _, model, version in ordered]


def register(management: Management, tasks: Sequence[Task]) -> dict[Task, Result]:
    """Let TorchServe begin with all of them; those that it refuses, with its reason."""
    refused = {}
    for task in tasks:
        try:
            management.register(task.model, task.archive.name)
        except (ServerUnreachable, ServerAnswer) as error:
            refused[task] = Result(task.model, task.version, failed=f"it can't be registered: {error}")
    return refused


def wait_for(
    upstream: Upstream, log: ServerLog, tasks: Sequence[Task], is_running: Callable[[], bool], timeout: float
) -> list[Result]:
    """Wait for each that was registered; one that fails is unregistered and does not take the others along.

    Raises ServerFailed when TorchServe is no longer running.
    """
    management = Management(upstream)
    found: dict[Task, Result | None] = dict.fromkeys(tasks)
    deadline = time.monotonic() + timeout
    while (waiting := [task for task, result in found.items() if result is None]) and is_running():
        for task in waiting:
            found[task] = _looked_at(upstream, management, log, task)
            if found[task] is None and time.monotonic() > deadline:
                found[task] = _failure(log, task, f"its workers were not ready after {timeout:g} s")
        if None in found.values():
            time.sleep(_PAUSE)
    if not is_running():
        raise ServerFailed(detail=_because(log, "TorchServe ended"))
    results = [result for result in found.values() if result is not None]
    for failure in (result for result in results if result.failed is not None):
        with suppress(SnagError):  # TorchServe may have done so itself
            management.unregister(failure.model, failure.version)
    return results


def _answering(torchserve: TorchServe, is_running: Callable[[], bool], timeout: float) -> Upstream:
    """Where TorchServe listens, as soon as it answers there."""
    deadline = time.monotonic() + timeout
    while is_running() and time.monotonic() < deadline:
        if upstream := torchserve.upstream():
            with suppress(ServerUnreachable, ServerAnswer):
                Management(upstream).models()
                return upstream
        time.sleep(_PAUSE)
    raise ServerFailed(detail=_because(torchserve.log, "TorchServe did not answer" if is_running() else "TorchServe ended"))


def _looked_at(upstream: Upstream, management: Management, log: ServerLog, task: Task) -> Result | None:
    """What has become of a version, None as long as that is open."""
    if log.is_fatal(task.model, task.version):
        time.sleep(_PAUSE)  # let the rest of the trace arrive
        return _failure(log, task, "a worker died")
    try:
        found = next((one for one in management.versions(task.model) if one.version == task.version), None)
        if found is None or not found.all_ready:
            return None
        check_over_http(upstream, task.model, task.version, task.archive)
    except ServerUnreachable:  # busy, or about to end
        return None
    except ServerAnswer as error:
        return _failure(log, task, f"its first answer was no verdict: {error}")
    except (GoldenMismatch, BadArtifact) as error:
        return Result(task.model, task.version, failed=str(error))
    return Result(task.model, task.version, workers=found.ready)


def _failure(log: ServerLog, task: Task, what: str) -> Result:
    return Result(task.model, task.version, failed=_because(log, what, task.model, task.version))


def _because(log: ServerLog, what: str, model: str | None = None, version: str = "") -> str:
    """What happened, with the reason out of the log where there is one."""
    reason = log.reason(model, version)
    return f"{what}: {reason}" if reason else f"{what}; {log.place} may say why"
