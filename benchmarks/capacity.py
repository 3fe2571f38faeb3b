"""`python -m benchmarks.capacity`: what a picture costs on this machine, and what so many a second take; docs/capacity.md."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import Field

from benchmarks import traffic
from benchmarks.live import GATE, JAVA, WORKER, Live, Usage
from benchmarks.outcome import summary
from benchmarks.prepared import FORMATS, grey_pictures, in_format, judge_of
from benchmarks.tables import machine, table
from benchmarks.traffic import Load, LoadTarget
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text

_RATES: Final = (10, 1_000, 100_000)  #: pictures a second
_KINDS: Final = (GATE, JAVA, WORKER)


class CapacitySettings(Settings):
    """Send pictures to a server, count the processor time that they took, and work out what larger loads need."""

    model: str = Field("demo", description="name of the model; its archive is MODEL_STORE/MODEL.mar")
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    pictures: Path = Field(Path("data/sample/test"), description="folder of pictures to send")
    form: str = Field("PNG as body", description=f"how they are sent: {', '.join(FORMATS)}")
    count: int = Field(400, ge=20, description="pictures that are sent")
    load: float = Field(0.7, gt=0, le=1, description="share of the cores that the load may take; the rest is for its peaks")
    pod_cores: int = Field(2, ge=1, description="cores of one server, with one worker on each")
    out: Path = Field(Path("runs/capacity"), description="folder of table and server")


def capacity(settings: CapacitySettings) -> None:
    """Measure, work out, print, write `table.md`."""
    judge = judge_of(settings.model_store / f"{settings.model}.mar")
    requests = in_format(settings.form, judge, grey_pictures(settings.pictures, most=20))
    with Live(settings.model, settings.model_store, settings.out) as server:
        traffic.run(
            LoadTarget(server.url), requests, Load(clients=2, count=len(requests) * 2)
        )  # TorchScript optimises at first
        before = server.usage()
        samples = traffic.run(LoadTarget(server.url), requests, Load(clients=2, count=settings.count))
        after = server.usage()
    found = summary(samples)
    spent = {kind: 1000 * (_cpu(after, kind) - _cpu(before, kind)) / found.right for kind in _KINDS}
    size = sum(len(one.body) for one in requests) / len(requests)
    text = "\n".join([machine(), _costs(settings, spent, after, size), _needs(settings, spent, after, size)])
    write_text(settings.out / "table.md", text)
    print(f"{text}\n{found.right} of {found.sent} answered rightly; {settings.out / 'table.md'}")


def _costs(settings: CapacitySettings, spent: dict[str, float], usage: Sequence[Usage], size: float) -> str:
    memory: defaultdict[str, list[int]] = defaultdict(list)
    for one in usage:
        memory[one.kind].append(one.pss)
    rows = [(kind, spent[kind], sum(memory[kind]) / max(1, len(memory[kind])) / 1e6) for kind in _KINDS]
    rows.append(("together", sum(spent.values()), sum(one.pss for one in usage) / 1e6))
    head = f"{settings.form}, {size / 1e6:.2f} MB each, model {settings.model}\n\n"
    return head + table(("process", "CPU ms a picture", "MB each"), rows)


def _needs(settings: CapacitySettings, spent: dict[str, float], usage: Sequence[Usage], size: float) -> str:
    """Cores = rate x time / load; servers = cores / cores of one; memory = servers x what one takes; network = rate x size."""
    cost = sum(spent.values()) / 1000
    workers = [one.pss for one in usage if one.kind == WORKER]
    others = sum(one.pss for one in usage if one.kind != WORKER)
    pod = others + settings.pod_cores * sum(workers) / max(1, len(workers))
    rows = []
    for rate in _RATES:
        cores = rate * cost / settings.load
        pods = math.ceil(cores / settings.pod_cores)
        rows.append(
            (f"{rate:,}", f"{math.ceil(cores):,}", f"{pods:,}", f"{pods * pod / 1e9:,.0f}", f"{8 * rate * size / 1e9:,.2g}")
        )
    head = ("pictures a second", "cores", f"servers of {settings.pod_cores} cores", "GB of memory", "Gbit/s in")
    return table(head, rows)


def _cpu(usage: Sequence[Usage], kind: str) -> float:
    return sum(one.cpu for one in usage if one.kind == kind)


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: capacity(from_flags(CapacitySettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
