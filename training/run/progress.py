"""One progress bar for every stage: with an ETA, and sparing where the output goes to a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T] | None, what: str, unit: str, total: int | None = None, done: int = 0) -> tqdm:  # type: ignore[type-arg]
    """A tqdm bar on stderr; a log file gets a line each ten seconds instead of one each tenth."""
    interval = 0.1 if sys.stderr.isatty() else 10.0
    return tqdm(items, desc=what, unit=unit, total=total, initial=done, mininterval=interval, dynamic_ncols=True)
