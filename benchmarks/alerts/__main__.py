"""`python -m benchmarks.alerts`: a day on the line with three troubles; fails where an alert is missing or cries wolf.

Everything is real but the clock: a trained model, the served answers and metrics, the shipped alerts, Prometheus. One picture
a second is the line's nominal speed; the scrapes are dated by it and given to Prometheus as its past.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown
from tqdm import tqdm

from benchmarks.alerts.history import ScrapeHistory
from benchmarks.alerts.line import Phase, Trouble, day, defocused, dimmed, pictures
from benchmarks.alerts.recording import SCRAPE_SECONDS, RecordedScrape, open_metrics, recorded
from benchmarks.alerts.rules import Firing, firings, read_alerts
from benchmarks.alerts.stock import MODEL, Stock, stock
from benchmarks.alerts.table import Stretch, markdown, stretches
from benchmarks.live import Live
from benchmarks.tables import machine
from snag.cli.settings import Settings, from_flags, run
from snag.client.client import SnagClient
from snag.core.errors import BadConfig
from snag.core.files import write_text
from snag.core.verdict import Verdict

ALERTS: Final = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yml"


class AlertsSettings(Settings):
    """Let the lamp dim, the lens lose focus and a new defect appear, and see which alerts fire after how many pictures."""

    run: Path | None = Field(None, description="run folder of a model of the embedded sample; trained in OUT/run unless given")
    good: int = Field(2000, ge=100, description="good pictures before the first trouble")
    trouble: int = Field(900, ge=15, description="pictures of each trouble")
    repaired: int = Field(900, ge=15, description="good pictures after each trouble")
    light: float = Field(0.8, gt=0, lt=1, description="share of its light that the lamp still gives")
    blur: float = Field(1.5, gt=0, description="defocus, standard deviation in pixels of the pictures of 320 x 320")
    defect: Literal["bent_tip", "dent", "missing_thread", "scratch", "stain"] = Field("scratch", description="what appears")
    share: float = Field(0.1, gt=0, le=1, description="share of the parts that have it")
    seed: int = Field(1000, ge=1, description="seed of the pictures; 0 is that of the pictures that were trained on")
    out: Path = Field(Path("runs/alerts"), description="folder of model, pictures, server, Prometheus and table.md")


def alerts(settings: AlertsSettings) -> list[Stretch]:
    """Prepare, serve, judge, ask Prometheus, print; writes `table.md`."""
    for program in ("prometheus", "promtool"):
        if shutil.which(program) is None:
            raise BadConfig(detail=f"the program {program} is missing; Debian has it in the package prometheus")
    phases = day(settings.good, _troubles(settings), settings.trouble, settings.repaired)
    material = stock(settings.run, settings.out, settings.good, settings.defect, settings.seed)
    scrapes, answers = _judged(settings, phases, material)
    found = stretches(phases, answers, _firings(settings, scrapes))
    write_text(settings.out / "table.md", f"{machine()}\n{_words(settings)}\n\n{markdown(found)}")
    Console().print(Markdown(markdown(found)))
    print(f"{settings.out / 'table.md'}; as it should be: {all(one.is_as_it_should_be for one in found)}")
    return found


def _troubles(settings: AlertsSettings) -> list[Trouble]:
    return [
        Trouble(f"the lamp gives {settings.light:.0%} of its light", "SnagExposureShift", dimmed(settings.light)),
        Trouble(f"out of focus by {settings.blur:g} pixels", "SnagSharpnessShift", defocused(settings.blur)),
        Trouble(f"{settings.defect} on {settings.share:.0%} of the parts", "SnagAnomalyJump", defects=settings.share),
    ]


def _judged(
    settings: AlertsSettings, phases: Sequence[Phase], material: Stock
) -> tuple[list[RecordedScrape], list[Verdict | None]]:
    scrapes: list[RecordedScrape] = []
    answers: list[Verdict | None] = []
    with Live(MODEL, material.model_store, settings.out) as server:
        client = SnagClient(MODEL, server.inference_port, server.metrics_port)
        scrapes.append(RecordedScrape(0, client.scrape()))
        for phase in phases:
            sent = tqdm(pictures(phase, material.good, material.bad, settings.seed), phase.name, phase.count, mininterval=10)
            scrapes += recorded(client, sent, phase.first, answers)
        client.close()
    return scrapes, answers


def _firings(settings: AlertsSettings, scrapes: Sequence[RecordedScrape]) -> list[Firing]:
    """Of every shipped alert, dated in seconds since the first picture."""
    last = scrapes[-1].second
    start = (int(time.time()) - last - 3600) // SCRAPE_SECONDS * SCRAPE_SECONDS
    shutil.rmtree(settings.out / "prometheus", ignore_errors=True)
    found = []
    with ScrapeHistory(open_metrics(scrapes, start), settings.out / "prometheus") as history:
        for alert in read_alerts(ALERTS, SCRAPE_SECONDS):
            series = history.moments(alert.query, start, start + last, SCRAPE_SECONDS)
            found += firings(alert, series, SCRAPE_SECONDS)
    return [Firing(one.alert, one.begin - start, one.end - start) for one in sorted(found, key=lambda one: one.begin)]


def _words(settings: AlertsSettings) -> str:
    model = settings.run or "preset quick, trained on the embedded sample"
    return (
        f"Model: {model}. Pictures: drawn anew with seed {settings.seed}, {settings.good} different good ones, the same in "
        f"each stretch. One picture a second, a scrape every {SCRAPE_SECONDS} s; the patience of an alert (`for`) counts in."
    )


def main(argv: list[str] | None = None) -> int:
    """Entry point; 1 when an alert was missing or cried wolf. See `--help`."""
    found: list[list[Stretch]] = []
    code = run(lambda: found.append(alerts(from_flags(AlertsSettings, argv))))
    return code or int(not all(one.is_as_it_should_be for one in found[0]))


if __name__ == "__main__":
    raise SystemExit(main())
