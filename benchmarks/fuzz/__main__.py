"""`python -m benchmarks.fuzz`: thousands of odd requests to a fresh server; fails where an answer is wrong or anything dies."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path
from typing import Final

from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import traffic
from benchmarks.fuzz.findings import GROWTH, InputFinding, markdown, write_findings
from benchmarks.fuzz.generate import heavy_inputs, inputs
from benchmarks.live import Live
from benchmarks.tables import machine
from benchmarks.traffic import Load, LoadTarget
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text

_SETTLING: Final = 3.0  #: seconds after a load, until what it left behind is cleared away


class FuzzSettings(Settings):
    """Send generated and hand-made rubbish to the real server and look at its answers, its processes and its memory."""

    model: str = Field("demo", description="name of the model; its archive is MODEL_STORE/MODEL.mar")
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    requests: int = Field(10_000, ge=2000, description="inputs; a fifth of them comes before memory is first looked at")
    clients: int = Field(8, ge=1, description="clients that send at once")
    seed: int = Field(0, ge=0, description="number of the first input; another seed sends other inputs")
    out: Path = Field(Path("runs/fuzz"), description="folder of the table, the findings and the server")


def fuzz(settings: FuzzSettings) -> InputFinding:
    """Send, look, print and write `table.md` and `findings/`."""
    stream = inputs(settings.model, settings.seed)
    heavy = list(heavy_inputs(settings.model, settings.seed, each=2 * settings.clients))
    first = settings.requests // 5
    load = Load(clients=settings.clients)
    with Live(settings.model, settings.model_store, settings.out) as server:
        target = LoadTarget(server.url)
        # A heap is as large as the largest that went through it: the heaviest come before memory is first looked at.
        samples = traffic.run(target, iter(heavy), load) + traffic.run(target, islice(stream, first - len(heavy)), load)
        time.sleep(_SETTLING)
        before = server.usage()
        samples += traffic.run(target, islice(stream, settings.requests - first), load)
        time.sleep(_SETTLING)
        finding = InputFinding(samples, before, server.usage())
    write_findings(samples, settings.out / "findings")
    write_text(settings.out / "table.md", f"{machine()}\n{markdown(finding)}")
    Console().print(Markdown(markdown(finding)))
    print(f"{settings.out / 'table.md'}; sound: {finding.is_sound} (memory may grow by {GROWTH:.0%})")
    return finding


def main(argv: list[str] | None = None) -> int:
    """Entry point; 1 when something was answered wrongly, died or grew. See `--help`."""
    found: list[InputFinding] = []
    code = run(lambda: found.append(fuzz(from_flags(FuzzSettings, argv))))
    return code or int(not found[0].is_sound)


if __name__ == "__main__":
    raise SystemExit(main())
