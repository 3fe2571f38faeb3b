"""What a server's processes take over time, seen by a thread beside the load."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from benchmarks.live import Live, Usage


@dataclass(frozen=True)
class Reading:
    """The processes at one moment."""

    at: float  #: seconds since the watch began
    usage: tuple[Usage, ...]


class ProcessWatch:
    """Looks at a server's processes while the `with` block runs; `looks` holds what it saw."""

    def __init__(self, server: Live, every: float = 1.0) -> None:
        """`every` is the pause between two looks, in seconds."""
        self.looks: list[Reading] = []
        self._server = server
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> ProcessWatch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        begin = time.perf_counter()
        while True:
            at = time.perf_counter() - begin
            try:
                self.looks.append(Reading(at, tuple(self._server.usage())))
            except LookupError:  # the server is gone, which the load's own figures show
                self.looks.append(Reading(at, ()))
            if self._stop.wait(self._every):
                return


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The rise of a straight line through (x, y) by least squares, in units of y for one of x; 0 for fewer than two x."""
    if len({x for x, _ in points}) < 2:
        return 0.0
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    across = sum((x - middle_x) * (y - middle_y) for x, y in points)
    return across / sum((x - middle_x) ** 2 for x, _ in points)
