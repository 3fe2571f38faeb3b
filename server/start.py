"""Starting a server and waiting until it has answered a request; telling why when it does not."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from client.client import SnagClient
from server.golden import golden_picture
from server.log import Log
from server.management import Management
from snag.errors import ServerAnswer, ServerFailed, ServerUnreachable, SnagError
from snag.verdict import Verdict

_PAUSE: Final = 0.1  #: seconds between two looks


@dataclass(frozen=True)
class Ready:
    """A server that judges pictures."""

    version: str
    workers: int
    verdict: Verdict  #: on the golden picture
    seconds: float


def wait_until_ready(
    process: subprocess.Popen[bytes], log: Log, model: str, inference_port: int, management_port: int, timeout: float,
    host: str = "127.0.0.1", clock: Callable[[], float] = time.monotonic,
) -> Ready:  # fmt: skip
    """Wait until all workers are ready and a real request got a verdict.

    Raises ServerFailed with the reason out of the log as soon as the server, its model or a worker is lost.
    """
    started = clock()
    management = Management(management_port)
    while clock() - started < timeout:
        if process.poll() is not None:
            raise _failed(log, f"it ended with exit code {process.returncode}")
        if log.is_fatal():
            time.sleep(_PAUSE)  # let the rest of the trace arrive
            raise _failed(log, "a worker died")
        if workers := _ready_workers(management, model):
            verdict = _first_verdict(log, model, inference_port, host, timeout)
            return Ready(workers[0], workers[1], verdict, clock() - started)
        time.sleep(_PAUSE)
    raise _failed(log, f"its workers were not ready after {timeout:g} s")


def _ready_workers(management: Management, model: str) -> tuple[str, int] | None:
    try:
        versions = management.workers(model)
    except (ServerUnreachable, ServerAnswer):  # not listening yet, or the model is not registered yet
        return None
    return (versions[0].version, versions[0].ready) if versions and all(one.all_ready for one in versions) else None


def _first_verdict(log: Log, model: str, inference_port: int, host: str, timeout: float) -> Verdict:
    client = SnagClient(model, inference_port, host=host, timeout=timeout)
    try:
        return client.predict(golden_picture())
    except SnagError as error:
        raise _failed(log, f"its first answer was no verdict: {error}") from error
    finally:
        client.close()


def _failed(log: Log, what: str) -> ServerFailed:
    reason = log.reason()
    return ServerFailed(detail=f"{what}: {reason}" if reason else f"{what}; {log.place} may say why")
