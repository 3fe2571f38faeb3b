"""Filling a folder so that it is there whole or not at all, whatever kills the process in between."""

from __future__ import annotations

import os
import platform
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from snag.errors import DiskFull


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside `target` that takes its place when the block ends; when the block raises, it is removed.

    What earlier processes of this machine left behind when they were killed is removed first. Raises DiskFull for an OSError
    in the block.
    """
    target = target.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        temporary = _beside(target, "part")
        temporary.mkdir()
    except OSError as error:
        raise DiskFull(path=target, detail=error) from error
    try:
        yield temporary
        _exchange(temporary, target)
    except OSError as error:
        raise DiskFull(path=target, detail=error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _exchange(temporary: Path, target: Path) -> None:
    """Two renames, for no folder can be renamed over a full one: killed between them, `target` is missing, never half."""
    old = _beside(target, "old")
    if target.exists():
        target.rename(old)
    temporary.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _prefix(target: Path) -> str:
    return f".{target.name}.{platform.node()}-"


def _beside(target: Path, suffix: str) -> Path:
    return target.with_name(f"{_prefix(target)}{os.getpid()}-{uuid.uuid4().hex[:8]}.{suffix}")


def _sweep(target: Path) -> None:
    for left in target.parent.glob(f"{_prefix(target)}*"):
        process = left.name.removeprefix(_prefix(target)).split("-")[0]
        if left.suffix in (".part", ".old") and process.isdigit() and not psutil.pid_exists(int(process)):
            shutil.rmtree(left, ignore_errors=True)
