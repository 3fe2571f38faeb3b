"""`python -m benchmarks.soak`: mixed traffic at a share of what the server can do, for long; fails where an answer is wrong."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import traffic
from benchmarks.fuzz.findings import write_findings
from benchmarks.live import Live
from benchmarks.outcome import summary
from benchmarks.prepared import grey_pictures, judge_of
from benchmarks.soak.mix import mixed
from benchmarks.soak.plot import draw
from benchmarks.soak.trend import Soak, markdown
from benchmarks.tables import machine
from benchmarks.traffic import Load, LoadTarget
from benchmarks.watch import ProcessWatch
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text


class SoakSettings(Settings):
    """Find out what the server can do, then give it a share of that for long."""

    model: str = Field("demo", description="name of the model; its archive is MODEL_STORE/MODEL.mar")
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    pictures: Path = Field(Path("data/sample/test"), description="folder of pictures to send")
    minutes: float = Field(30.0, gt=0, description="how long")
    share: float = Field(0.7, gt=0, lt=1, description="of the capacity that is measured first")
    capacity_seconds: float = Field(30.0, gt=0, description="how long capacity is measured; it warms the server up as well")
    clients: int = Field(8, ge=1, description="clients that wait for their answers while capacity is measured")
    look: float = Field(5.0, gt=0, description="seconds between two looks at memory, handles and processor")
    out: Path = Field(Path("runs/soak"), description="folder of table, plot, findings and server")


def soak(settings: SoakSettings) -> Soak:
    """Measure, load, print; writes `table.md`, `soak.svg` and, of wrong answers, `findings/`."""
    judge = judge_of(settings.model_store / f"{settings.model}.mar")
    requests = mixed(judge, grey_pictures(settings.pictures, most=20), count=400)
    seconds = 60 * settings.minutes
    with Live(settings.model, settings.model_store, settings.out) as server:
        target = LoadTarget(server.url)
        first = traffic.run(target, requests, Load(clients=settings.clients, seconds=settings.capacity_seconds))
        capacity = summary(first).per_second
        rate = settings.share * capacity
        with ProcessWatch(server, settings.look) as watch:
            samples = traffic.run(target, requests, Load(rate=rate, seconds=seconds, is_random=True))
    found = Soak(capacity, rate, seconds, samples, watch.looks)
    write_findings(samples, settings.out / "findings")
    write_text(settings.out / "table.md", f"{machine()}\n{markdown(found)}")
    draw(found, settings.out / "soak.svg")
    Console().print(Markdown(markdown(found)))
    print(f"{settings.out / 'table.md'}, {settings.out / 'soak.svg'}; every answer right: {found.is_sound}")
    return found


def main(argv: list[str] | None = None) -> int:
    """Entry point; 1 when an answer was not right or a process was replaced. See `--help`."""
    found: list[Soak] = []
    code = run(lambda: found.append(soak(from_flags(SoakSettings, argv))))
    return code or int(not found[0].is_sound)


if __name__ == "__main__":
    raise SystemExit(main())
