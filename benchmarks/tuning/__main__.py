"""`python -m benchmarks.tuning`: measure, and write the model-config.yaml that the next `make archive` packs."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.outcome import PreparedRequest
from benchmarks.prepared import FORMATS, grey_pictures, in_format, judge_of
from benchmarks.scaling.measure import Bench
from benchmarks.tables import machine, table
from benchmarks.tuning.choice import Knobs, Tried, batches, best, shapes, written
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text


class TuningSettings(Settings):
    """Find the number of workers, threads and the size of batches that suit this machine, and write them down."""

    model: str = Field("demo", description="name of the model; its archive is MODEL_STORE/MODEL.mar")
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    pictures: Path = Field(Path("data/sample/test"), description="folder of pictures to send")
    form: str = Field("PNG as body", description="how they are sent: " + ", ".join(FORMATS))
    batch: list[int] = Field([2, 8], description="sizes of batches to try besides 1")
    delay: int = Field(5, ge=1, description="milliseconds that a worker waits for a batch to fill")
    clients: int = Field(8, ge=2, description="clients that wait for their answers, for the throughput")
    seconds: float = Field(8.0, ge=1, description="for each measurement")
    out: Path = Field(Path("runs/tuning"), description="folder of table, archives and servers")
    write: Path = Field(Path("runs/demo/model-config.yaml"), description="file for the best settings; `make archive` takes it")


@dataclass(frozen=True)
class Tuner:
    """What all measurements share."""

    bench: Bench  #: for many clients, then for one
    requests: list[PreparedRequest]
    config: str

    def try_out(self, knobs: Knobs) -> Tried:
        """A server with these settings, under many clients and under one."""
        full, alone = self.bench.rows(str(knobs), self.requests, knobs.over(yaml.safe_load(self.config)))
        return Tried(knobs, full, alone)


def tune(settings: TuningSettings) -> None:
    """Measure shapes, then batches of the best one; write the table after each, the settings at the end. Raises BadConfig."""
    archive = settings.model_store / f"{settings.model}.mar"
    judge = judge_of(archive)
    with zipfile.ZipFile(archive) as members:
        config = members.read("model-config.yaml").decode()
    bench = Bench(archive, judge, (settings.clients, 1), settings.seconds, settings.out)
    requests = in_format(settings.form, judge, grey_pictures(settings.pictures, most=20))
    tuner = Tuner(bench, requests, config)
    tried: list[Tried] = []
    for knobs in shapes(len(os.sched_getaffinity(0))):
        tried.append(tuner.try_out(knobs))
        _table(settings, tried)
    for knobs in batches(best(tried).knobs, settings.batch, settings.delay):
        tried.append(tuner.try_out(knobs))
        _table(settings, tried)
    chosen = best(tried)
    write_text(settings.write, written(config, chosen.knobs))
    Console(width=160).print(Markdown(_table(settings, tried)))
    print(f"best: {chosen.knobs}; written to {settings.write}, which the next `make archive` packs")


def _table(settings: TuningSettings, tried: list[Tried]) -> str:
    rows = []
    for one in tried:
        full, alone = one.full.figures, one.alone.figures
        lost = sum(figures.refused + figures.broken for figures in (full, alone))
        times = (1e3 * full.p50, 1e3 * full.p99, 1e3 * alone.p50, 1e3 * alone.p99)
        rows.append((one.knobs, full.per_second, *times, lost, one.full.worker_megabytes))
    many = f"{settings.clients} clients:"
    head = ("settings", f"{many} req/s", f"{many} p50 ms", f"{many} p99 ms", "one client: p50 ms", "one client: p99 ms")
    text = table((*head, "not answered", "workers' PSS MB"), rows)
    write_text(settings.out / "table.md", f"{machine()}\n{settings.form}\n\n{text}")
    return text


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: tune(from_flags(TuningSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
