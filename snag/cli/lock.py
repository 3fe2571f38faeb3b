"""A lock on a file or a folder, which the system lets go by itself when the process that holds it ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from snag.core.errors import BadConfig, DiskFull, SnagError

_PAUSE: Final = 0.1  #: seconds between two tries


@contextmanager
def locked(path: Path, busy: SnagError, patience: float = 0.0) -> Iterator[None]:
    """Hold a folder that is there, or a file, which is made if missing.

    Raises `busy` when another process still does after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    handle = _opened(path)
    try:
        while not _taken(handle, fcntl.LOCK_EX):
            if time.monotonic() >= deadline:
                raise busy
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(handle)


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock. Whoever asks holds a share of it for a moment, less than a millisecond."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        return not _taken(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


@contextmanager
def held(folder: Path, purpose: str) -> Iterator[None]:
    """Hold a folder, which is made if missing: two commands that write into it would each undo what the other has done.

    `purpose` reads "another command is <purpose> <folder>". Raises BadConfig when another one holds it, DiskFull
    when it can't be made.
    """
    busy = BadConfig(detail=f"another command is {purpose} {folder}: let it finish, or stop it")
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder, busy))
        except OSError as error:
            raise DiskFull(path=folder, detail=error) from error
        yield


def _opened(path: Path) -> int:
    if path.is_dir():
        return os.open(path, os.O_RDONLY)
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDONLY | os.O_CREAT, 0o666)  # less what the umask takes away


def _taken(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
