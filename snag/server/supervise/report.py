"""What a keeper tells the command that started it: what became of each model, or why there is no server."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

from snag.core.errors import ServerFailed
from snag.server.supervise.bring_up import Result


@dataclass(frozen=True)
class Report:
    """A server that is ready."""

    results: tuple[Result, ...]
    seconds: float  #: until it was


def send(handle: int, report: Report | str) -> None:
    """Write a report, or the reason of a failure, as one line into a pipe; nobody need listen."""
    line = {"failed": report} if isinstance(report, str) else asdict(report)
    try:
        os.write(handle, f"{json.dumps(line)}\n".encode())
    except BrokenPipeError:
        return
    finally:
        os.close(handle)


def receive(line: str) -> Report:
    """What `send` wrote. Raises ServerFailed with the reason where it was one."""
    fields = json.loads(line)
    if "failed" in fields:
        raise ServerFailed(detail=fields["failed"])
    return Report(tuple(Result(**result) for result in fields["results"]), fields["seconds"])
