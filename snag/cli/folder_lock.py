"""A folder held by one command: two that write into the same one would each undo what the other has done."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from snag.core.errors import BadConfig, DiskFull


@contextmanager
def held(folder: Path, purpose: str) -> Iterator[None]:
    """Hold the folder, which is made if missing; the system lets go of it however the command ends.

    `purpose` reads "another command is <purpose> <folder>". Raises BadConfig when another one holds it, DiskFull
    when it can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise DiskFull(path=folder, detail=error) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadConfig(detail=f"another command is {purpose} {folder}: let it finish, or stop it") from error
        yield
    finally:
        os.close(handle)
