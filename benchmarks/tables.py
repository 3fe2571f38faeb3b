"""Tables of Markdown, headed by the command that made them, the day, the revision and the machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from snag.training.run.provenance import git_revision

_PACKAGES: Final = ("torch", "torchserve", "numpy", "pillow")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; a float is shown with three significant digits, what is no number as a dash."""
    lines = [head, ["---"] * len(head), *([_cell(value) for value in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def command() -> str:
    """The command that runs, as it was typed."""
    return shlex.join(["python", *sys.orig_argv[1:]])


def machine() -> str:
    """One line that says where a table came from: the command that runs, day, revision, processor, cores, memory, versions."""
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"`{command()}`, {datetime.now(UTC):%Y-%m-%d}, revision {git_revision()}, {_processor()}, "
        f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, Python {platform.python_version()}, {packages}\n"
    )


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    if value != value:  # not a number
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
