"""A verb as one stage of a longer command: run in a process of its own, and only where its result is missing or out of date."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def run_verb(verb: str, flags: Sequence[str]) -> int:
    """Run `snag <verb>` with these flags, words as they are, and answer its exit code.

    In a process of its own: what one stage does to memory ends with it, and the caller needs nothing of what it imports.
    """
    return subprocess.run([sys.executable, "-m", "snag", verb, *flags], check=False).returncode


def is_older(made: Path, *sources: Path) -> bool:
    """Whether `made` is missing, or older than one of the sources that exist, as make would see it."""
    if not made.exists():
        return True
    age = made.stat().st_mtime_ns
    return any(source.exists() and source.stat().st_mtime_ns > age for source in sources)
