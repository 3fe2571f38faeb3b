"""Which settings to try, which of the measured ones is the best, and how it is written into model-config.yaml. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.scaling.measure import ResultLine
from snag.core.errors import BadConfig

#: Throughputs that differ by less are alike: two runs of the same settings differ by about as much.
ALIKE: Final = 0.03


@dataclass(frozen=True)
class Knobs:
    """What is tuned."""

    workers: int
    threads: int  #: cores for one forward pass
    batch: int = 1
    delay: int = 1  #: milliseconds that a worker waits for a batch to fill

    def __str__(self) -> str:
        waits = f", batches of {self.batch} after {self.delay} ms" if self.batch > 1 else ""
        return f"{self.workers} workers x {self.threads} threads{waits}"

    def lines(self) -> dict[str, int]:
        """The lines of model-config.yaml that it is."""
        return {
            "minWorkers": self.workers,
            "maxWorkers": self.workers,
            "batchSize": self.batch,
            "maxBatchDelay": self.delay,
            "torch_threads": self.threads,
        }

    def over(self, config: dict[str, Any]) -> dict[str, Any]:
        """The lines that change in the parsed file `config`; its `handler` stays a whole."""
        lines = self.lines()
        handler = {**config.get("handler", {}), "torch_threads": lines.pop("torch_threads")}
        return {**lines, "handler": handler}


@dataclass(frozen=True)
class Tried:
    """Some settings, under many clients and under one."""

    knobs: Knobs
    full: ResultLine
    alone: ResultLine


def shapes(cores: int) -> list[Knobs]:
    """Workers times threads that use all cores once, and one worker more, which decodes while others score."""
    pairs = [(workers, cores // workers) for workers in range(1, cores + 1) if cores % workers == 0]
    return [Knobs(*pair) for pair in [*pairs, (cores + 1, 1)]]


def batches(best: Knobs, sizes: Iterable[int], delay: int) -> list[Knobs]:
    """The best shape again with batches."""
    return [Knobs(best.workers, best.threads, size, delay) for size in sizes if size > 1]


def best(tried: Sequence[Tried]) -> Tried:
    """The highest throughput; of those alike, the one where a client that is alone waits the shortest.

    Settings under which any request stayed without its answer are none. Raises BadConfig when nothing is left.
    """
    sound = [one for one in tried if not any(row.figures.broken + row.figures.refused for row in (one.full, one.alone))]
    if not sound:
        raise BadConfig(detail="no settings under which every request got its answer; is there enough memory?")
    most = max(one.full.figures.per_second for one in sound)
    alike = [one for one in sound if one.full.figures.per_second >= (1.0 - ALIKE) * most]
    return min(alike, key=lambda one: one.alone.figures.p50)


def written(config: str, knobs: Knobs) -> str:
    """The text of a model-config.yaml with the lines of `knobs` replaced, comments kept. Raises BadConfig."""
    for name, value in knobs.lines().items():
        config, count = re.subn(rf"(?m)^(\s*{name}:\s*)\d+\s*$", rf"\g<1>{value}", config)
        if count != 1:
            raise BadConfig(detail=f"model-config.yaml: expected one line {name!r} with a whole number")
    return config
