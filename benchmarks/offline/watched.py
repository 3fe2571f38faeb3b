"""A command and all processes that it starts, watched from outside: memory, processor time, when it first did something."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_PAUSE = 0.2  #: seconds between two looks


@dataclass
class Usage:
    """What the command and its descendants took."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0  #: of all processes that were seen; of the last moments up to a look is missing
    memory: int = 0  #: most bytes at one time that belong to them alone; what a library's file fills is shared, and left out
    memory_of: dict[str, int] = field(default_factory=dict)  #: most bytes of the command itself, and of its largest descendant
    first: float | None = None  #: seconds until `sign` first held
    status: int | None = None


def watch(
    command: Sequence[str],
    env: Mapping[str, str],
    log: Path,
    sign: Callable[[], bool] = lambda: False,
    act: Callable[[list[psutil.Process]], bool] = lambda processes: True,
) -> Usage:
    """Run the command to its end. Once `sign` holds, `act` gets the descendants at each look until it answers True."""
    usage, spent, has_acted = Usage(), {}, False
    begin = time.monotonic()
    with log.open("wb") as output, subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT) as running:
        top = psutil.Process(running.pid)
        while running.poll() is None:
            below = _descendants(top)
            _look(usage, top, below, spent)
            if usage.first is None and sign():
                usage.first = time.monotonic() - begin
            if usage.first is not None and not has_acted:
                has_acted = act(below)
            time.sleep(_PAUSE)
    usage.seconds, usage.status = time.monotonic() - begin, running.returncode
    usage.cpu_seconds = sum(spent.values())
    return usage


def _descendants(top: psutil.Process) -> list[psutil.Process]:
    try:
        return top.children(recursive=True)
    except psutil.Error:
        return []


def _look(usage: Usage, top: psutil.Process, below: list[psutil.Process], spent: dict[int, float]) -> None:
    sizes: dict[str, int] = {"command": 0, "worker": 0}
    total = 0
    for process in [top, *below]:
        with suppress(psutil.Error):
            times, size = process.cpu_times(), process.memory_full_info().uss
            spent[process.pid] = times.user + times.system
            total += size
            kind = "command" if process == top else "worker"
            sizes[kind] = max(sizes[kind], size)
    usage.memory = max(usage.memory, total)
    usage.memory_of = {kind: max(size, usage.memory_of.get(kind, 0)) for kind, size in sizes.items()}
