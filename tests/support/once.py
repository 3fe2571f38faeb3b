"""What takes long to make, made once: the first of pytest's workers makes it, the others find it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder `name` that `make(folder)` has filled, one for all workers; tests leave it as it is."""
    own = factory.getbasetemp()
    home = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, made = home / name, home / f"{name}.made"
    with FileLock(home / f"{name}.lock"):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker whose attempt failed
            folder.mkdir()
            make(folder)
            made.touch()
    return folder
