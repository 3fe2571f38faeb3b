"""What the serving benchmark found, as tables: every concurrency, then the bars that the server is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.live import GATE, JAVA, WORKER, Usage
from benchmarks.outcome import TimedAnswer, summary
from benchmarks.serving.limit import Limit
from benchmarks.serving.wrk import LoadFigures
from benchmarks.tables import table

_MEGABYTE: Final = 2**20
_KINDS: Final = (GATE, JAVA, WORKER)


@dataclass(frozen=True)
class Cell:
    """One format at one concurrency."""

    form: str
    figures: LoadFigures
    cores: dict[str, float]  #: processors in use by each kind of process
    after: Sequence[Usage]


@dataclass(frozen=True)
class Steady:
    """One format under a rate that does not wait, every answer compared."""

    form: str
    rate: float
    samples: Sequence[TimedAnswer]


@dataclass(frozen=True)
class Serving:
    """Everything that one run measured."""

    start_seconds: float  #: from the command to a server that has answered
    cells: Sequence[Cell]
    limits: dict[str, Limit]  #: by format
    steady: Sequence[Steady]
    rounds: int = 1  #: of which these are the fastest

    def best(self, form: str) -> Cell:
        """The concurrency with the highest throughput."""
        return max((cell for cell in self.cells if cell.form == form), key=lambda cell: cell.figures.per_second)


def fastest(rounds: Sequence[Serving]) -> Serving:
    """Of each figure the best of several rounds: what else runs on a shared machine, or throttles it, only ever slows."""
    cells = [max(same, key=lambda cell: cell.figures.per_second) for same in zip(*(one.cells for one in rounds), strict=True)]
    limits = {form: max((one.limits[form] for one in rounds), key=lambda limit: limit.per_second) for form in rounds[0].limits}
    return Serving(min(one.start_seconds for one in rounds), cells, limits, [], len(rounds))


def cores_between(before: Sequence[Usage], after: Sequence[Usage], seconds: float) -> dict[str, float]:
    """Processors in use by each kind of process, on average."""
    spent = {one.pid: one.cpu for one in before}
    return {kind: sum(one.cpu - spent.get(one.pid, 0.0) for one in after if one.kind == kind) / seconds for kind in _KINDS}


def markdown(found: Serving) -> str:
    """The run's tables."""
    first = f"`snag serve` returned, having had a first verdict, after {found.start_seconds:.1f} s"
    start = f"{first}. Fastest of {found.rounds} rounds for each figure.\n"
    return "\n".join([start, _bars(found), _steady(found), _cells(found), _memory(found)])


def _bars(found: Serving) -> str:
    rows = []
    for form, limit in found.limits.items():
        best = found.best(form).figures
        alone = next(cell.figures for cell in found.cells if cell.form == form)
        ratio = f"{best.per_second / limit.per_second:.2f}"
        times = (limit.cpu_ms, 1e3 * alone.p50, 1e3 * alone.p99)
        rows.append((form, best.per_second, best.clients, limit.per_second, ratio, *times))
    head = ("format", "best req/s", "clients", "in-process limit", "ratio", "CPU ms each there")
    return table((*head, "alone p50 ms", "alone p99 ms"), rows)


def _steady(found: Serving) -> str:
    rows = []
    for one in found.steady:
        seen = summary(one.samples)
        times = [1e3 * time for time in (seen.p50, seen.p90, seen.p99, seen.p999)]
        ends = (seen.refused, seen.lost, seen.wrong)
        rows.append((one.form, one.rate, seen.sent, *ends, *times, f"{seen.p99 / seen.p50:.1f}"))
    head = ("under a rate", "req/s", "sent", "refused", "lost", "wrong", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "p99 / p50")
    return table(head, rows)


def _cells(found: Serving) -> str:
    rows = []
    for cell in found.cells:
        seen = cell.figures
        times = [1e3 * time for time in (seen.p50, seen.p90, seen.p99, seen.p999)]
        cores = [cell.cores[kind] for kind in _KINDS]
        rows.append((cell.form, seen.clients, seen.per_second, *times, *cores, seen.refused + seen.broken))
    head = ("waiting clients", "clients", "req/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms")
    return table((*head, *(f"cores: {kind}" for kind in _KINDS), "not answered"), rows)


def _memory(found: Serving) -> str:
    rows = [(one.kind, one.rss // _MEGABYTE, one.pss // _MEGABYTE, one.handles) for one in found.cells[-1].after]
    return table(("process", "RSS MB", "PSS MB", "handles"), rows)
