"""One server, one load, one row of a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import traffic
from benchmarks.live import GATE, JAVA, WORKER, Live
from benchmarks.outcome import PreparedRequest
from benchmarks.prepared import Judge, as_body, png
from benchmarks.repack import repacked
from benchmarks.serving.findings import cores_between
from benchmarks.serving.wrk import LoadFigures, closed_loop
from benchmarks.tables import table
from benchmarks.traffic import Load, LoadTarget

_MEGABYTE = 2**20


@dataclass(frozen=True)
class ResultLine:
    """What one server showed."""

    value: str  #: of what is varied
    start_seconds: float
    figures: LoadFigures
    cores: dict[str, float]
    worker_megabytes: float  #: PSS of all workers together
    other_megabytes: float  #: PSS of the rest


@dataclass(frozen=True)
class Bench:
    """What all rows share."""

    archive: Path
    judge: Judge
    clients: Sequence[int]  #: a row for each number
    seconds: float
    out: Path

    def rows(
        self, value: str, requests: Sequence[PreparedRequest], knobs: Mapping[str, Any], models: int = 1
    ) -> list[ResultLine]:
        """Serve `models` copies of the archive with `knobs` in its model-config.yaml; requests go to all of them in turn."""
        store = self.out / "store"
        names = [f"{self.judge.model}-{number:02}" for number in range(models)]
        for name in names:
            repacked(self.archive, store, name, knobs)
        spread = [_to(request, names[index % models]) for index, request in enumerate(_enough(requests, models))]
        server = Live(",".join(names), store, self.out, ["--timeout", str(60 + 30 * models)])
        start = server.start()
        try:
            return [self._row(value, start, server, spread, clients) for clients in self.clients]
        finally:
            server.stop()

    def _row(self, value: str, start: float, server: Live, requests: list[PreparedRequest], clients: int) -> ResultLine:
        traffic.run(LoadTarget(server.url), requests, Load(clients=clients, count=3 * len(requests)))
        before = server.usage()
        figures = closed_loop(server.url, requests, clients, self.seconds, self.out / "requests")
        after = server.usage()
        workers = sum(one.pss for one in after if one.kind == WORKER) / _MEGABYTE
        others = sum(one.pss for one in after if one.kind in (GATE, JAVA)) / _MEGABYTE
        return ResultLine(value, start, figures, cores_between(before, after, figures.seconds), workers, others)

    def pictures(self, greys: Sequence[np.ndarray], side: int | None = None) -> list[PreparedRequest]:
        """Grey pictures [H, W] as PNG bodies, resized to `side` x `side` if one is given."""
        sized = greys if side is None else [np.asarray(Image.fromarray(grey).resize((side, side))) for grey in greys]
        return [as_body("PNG as body", self.judge, png(grey)) for grey in sized]


def markdown(title: str, rows: Sequence[ResultLine]) -> str:
    """One line for each row."""
    lines = []
    for row in rows:
        seen = row.figures
        cores = [row.cores[kind] for kind in (GATE, JAVA, WORKER)]
        memory = (row.worker_megabytes, row.other_megabytes)
        times = (1e3 * seen.p50, 1e3 * seen.p99)
        lines.append((row.value, seen.per_second, *times, seen.refused + seen.broken, *cores, *memory, row.start_seconds))
    head = (title, "req/s", "p50 ms", "p99 ms", "not answered", "cores: gate", "cores: java", "cores: worker")
    return table((*head, "workers' PSS MB", "gate and Java's PSS MB", "start s"), lines)


def _to(request: PreparedRequest, model: str) -> PreparedRequest:
    return dataclasses.replace(request, path=f"/predictions/{model}")


def _enough(requests: Sequence[PreparedRequest], models: int) -> list[PreparedRequest]:
    """The requests again and again, until each model gets one."""
    return [requests[index % len(requests)] for index in range(max(len(requests), models))]
