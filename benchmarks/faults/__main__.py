"""`python -m benchmarks.faults`: kills, stops and replaces parts of a loaded server; fails where an answer is wrong or lost."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import traffic
from benchmarks.faults.findings import Fault, faults_table, starts_table
from benchmarks.faults.health import HealthWatch
from benchmarks.faults.starts import broken_starts
from benchmarks.faults.strikes import NEXT, STRIKES, LoadedServer
from benchmarks.live import Live
from benchmarks.outcome import PreparedRequest, RequestOutcome, summary
from benchmarks.prepared import grey_pictures, in_format, judge_of
from benchmarks.tables import machine
from benchmarks.traffic import Background, Load, LoadTarget
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text

ARCHIVES: Final = "archives"


class FaultSettings(Settings):
    """Strike a server under a steady load, whose clients ask once more where they were refused or got no answer."""

    model: str = Field("demo", description="name of the model; its archive is MODEL_STORE/MODEL.mar")
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    pictures: Path = Field(Path("data/sample/test"), description="folder of pictures to send")
    only: list[Literal["worker", "workers", "torchserve", "stop", "kill", "disk", "versions", "refused", "archives"]] = Field(
        [], description="some of the faults alone (default: all)"
    )
    share: float = Field(0.3, gt=0, lt=1, description="of the capacity that is measured first; so much is sent")
    capacity_seconds: float = Field(10.0, gt=0, description="how long capacity is measured")
    calm: float = Field(5.0, gt=0, description="seconds of load before each strike, and of readiness after it")
    patience: float = Field(180.0, gt=0, description="seconds that a server gets to be ready again")
    out: Path = Field(Path("runs/faults"), description="folder of table, findings, altered archives and servers")


def faults(settings: FaultSettings) -> bool:
    """Strike and print; writes `table.md`, and to `findings/` what was wrong or lost. Whether all was as it should be."""
    archive = settings.model_store / f"{settings.model}.mar"
    judge = judge_of(archive)
    plain = in_format("PNG as body", judge, grey_pictures(settings.pictures, most=20))
    # While versions change, either may answer; both hold the same model, so the score stays.
    requests = [replace(one, answers=(*one.answers, replace(one.answers[0], version=NEXT))) for one in plain]
    chosen = [name for name in STRIKES if not settings.only or name in settings.only]
    found, text = [], ""
    if chosen:
        with Live(settings.model, settings.model_store, settings.out) as server:
            rate = settings.share * _capacity(server, requests, settings.capacity_seconds)
            scene = LoadedServer(server, archive, settings.out)
            found = [_struck(name, scene, requests, rate, settings) for name in chosen]
        text = f"Sent at {rate:.1f} requests a second.\n\n{faults_table(found)}\n"
    starts = broken_starts(archive, settings.out / "broken") if not settings.only or ARCHIVES in settings.only else []
    text += starts_table(starts) if starts else ""
    write_text(settings.out / "table.md", f"{machine()}\n{text}")
    Console(width=200).print(Markdown(text))
    is_right = all(one.is_right for one in (*found, *starts))
    print(f"{settings.out / 'table.md'}; all as it should be: {is_right}")
    return is_right


def _capacity(server: Live, requests: list[PreparedRequest], seconds: float) -> float:
    return summary(traffic.run(LoadTarget(server.url), requests, Load(clients=4, seconds=seconds))).per_second


def _struck(name: str, scene: LoadedServer, requests: list[PreparedRequest], rate: float, settings: FaultSettings) -> Fault:
    target = LoadTarget(scene.server.url, retry=True)
    with HealthWatch(scene.server.url) as health, Background(target, requests, Load(rate=rate)) as load:
        time.sleep(settings.calm)
        struck = time.monotonic()
        remark = STRIKES[name].do(scene)
        health.wait(settings.calm, settings.patience)
    outage = health.outage(struck) or (None, None)
    bad = [sample for sample in load.samples if sample.outcome in (RequestOutcome.WRONG, RequestOutcome.LOST)]
    write_text(settings.out / "findings" / f"{name}.txt", "".join(f"{sample}\n" for sample in bad))
    return Fault(STRIKES[name].label, load.samples, *outage, remark)


def main(argv: list[str] | None = None) -> int:
    """Entry point; 1 when an answer was wrong or lost, or a broken archive came up. See `--help`."""
    right: list[bool] = []
    code = run(lambda: right.append(faults(from_flags(FaultSettings, argv))))
    return code or int(not right[0])


if __name__ == "__main__":
    raise SystemExit(main())
