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

from snag.core.errors import DiskFull


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside `target` that takes its place when the block ends; when the block raises, it is removed.

    Raises DiskFull for an OSError in the block.
    """
    target = target.resolve()
    with scratch_folder(target) as temporary:
        yield temporary
        _exchange(temporary, target)


@contextmanager
def scratch_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside `target`, so that what it holds can be renamed into place; removed when the block ends.

    What earlier processes of this machine left behind for `target` when they were killed is removed first. Raises DiskFull for
    an OSError in the block.
    """
    target = target.resolve()
    temporary = _beside(target, "part")
    try:
        _sweep(target)
        temporary.mkdir(parents=True)
        yield temporary
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
    if not target.parent.is_dir():
        return
    for left in target.parent.iterdir():
        name, _, process = left.name.partition(_prefix(target))
        number = process.split("-")[0]
        if not name and left.suffix in (".part", ".old") and number.isdigit() and not psutil.pid_exists(int(number)):
            shutil.rmtree(left, ignore_errors=True)
