"""What `serve` prints of a server that is up."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

from snag.cli.hosts import asked_at, url_of
from snag.server.state.instance import Instance
from snag.server.state.launch import Launch
from snag.server.state.served import Model
from snag.server.supervise.report import Report


def say(text: str) -> None:
    """Print, unless nobody reads any more: that is no reason to end a server."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in the buffer must not fail at exit


def startup_message(instance: Instance, launch: Launch, models: Sequence[Model], report: Report) -> str:
    """A line for each model, and a command to try the first with."""
    kept = {(model.name, model.previous.version) for model in models if model.previous is not None}
    where = f"first verdict after {report.seconds:.1f} s (logs: {os.path.relpath(instance.logs)})"
    lines = []
    for one in report.results:
        name = f"{one.model} {one.version}".strip()
        if one.failed is not None:
            lines.append(f"{name} is NOT served: {one.failed}")
        elif (one.model, one.version) in kept:
            lines.append(f"{name} is kept, for going back")
        else:
            lines.append(f"{name} is served by {one.workers} workers, {where}")
    served = next(one.model for one in report.results if one.failed is None)
    return "\n".join([*lines, curl(instance, launch, served)])


def curl(instance: Instance, launch: Launch, model: str) -> str:
    """A command that asks for a verdict, to be pasted."""
    host, port = launch.inference
    url = shlex.quote(f"{url_of(asked_at(host), port)}/predictions/{model}")
    picture = shlex.quote(f"@{os.path.relpath(instance.golden)}")
    token = '-H "Authorization: Bearer $SNAG_TOKEN" ' if launch.tokens is not None else ""
    return f"  curl {token}-H 'Content-Type: application/octet-stream' --data-binary {picture} {url}"
