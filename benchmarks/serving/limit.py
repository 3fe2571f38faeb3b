"""What the machine can do without a server: a worker's own work, decode, score, JSON, in as many processes as it has cores.

Each process does what a worker does with a request, through the same code (`snag.core.inspection`), one by one; nothing is
sent anywhere. A server on the same cores can at best come near.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.outcome import JSON, PreparedRequest
from snag.core.bundle import load_bundle
from snag.core.inspection import Row, RowInspector
from snag.core.serving import ServingSettings
from snag.core.telemetry import MetricsBuffer

_PATIENCE = 120.0  #: seconds for all processes to have loaded


@dataclass(frozen=True)
class Limit:
    """What the processes managed together."""

    processes: int
    per_second: float
    cpu_ms: float  #: processor time of one answer


def in_process_limit(archive: Path, requests: Sequence[PreparedRequest], seconds: float, processes: int | None = None) -> Limit:
    """Answer the requests in turn for so long, on all cores at once. Raises BadArtifact."""
    count = processes or len(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    barrier, queue = context.Barrier(count), context.Queue()
    rows = [(request.body, request.headers["Content-Type"]) for request in requests]
    workers = [context.Process(target=_work, args=(archive, rows, seconds, barrier, queue)) for _ in range(count)]
    for worker in workers:
        worker.start()
    found = [queue.get(timeout=_PATIENCE + seconds) for _ in workers]
    for worker in workers:
        worker.join()
    answers, spent, cpu = (sum(one[index] for one in found) for index in range(3))
    return Limit(count, count * answers / spent, 1e3 * cpu / answers)


def _work(archive: Path, rows: list[tuple[bytes, str]], seconds: float, barrier: Barrier, queue: Queue) -> None:
    """One process: (answers, seconds, seconds of processor) go into the queue."""
    inspector = _inspector(archive)
    for row in rows[:3]:
        inspector.answer([_row(*row)])
    barrier.wait(_PATIENCE)
    answers, begin, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begin < seconds:
        answer = inspector.answer([_row(*rows[answers % len(rows)])])[0]
        if answer.status != HTTPStatus.OK:
            raise ValueError(answer.body[:200])
        answers += 1
    queue.put((answers, time.perf_counter() - begin, time.process_time() - cpu))


def _row(body: bytes, kind: str) -> Row:
    """What TorchServe's worker hands to the handler."""
    fields: dict[str, Any] = {"body": json.loads(body.decode()) if kind == JSON else bytearray(body)}
    return Row(fields, kind)


def _inspector(archive: Path) -> RowInspector:
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder, zipfile.ZipFile(archive) as members:
        members.extractall(folder)
        bundle = load_bundle(Path(folder))
    return RowInspector(
        bundle.artifact, bundle.calibration, ServingSettings(), "limit", "1.0", MetricsBuffer(), print, bundle.reference
    )
