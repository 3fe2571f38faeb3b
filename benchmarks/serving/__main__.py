"""`python -m benchmarks.serving`: throughput and times of the server over concurrency, and the limit without a server."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import traffic
from benchmarks.live import Live
from benchmarks.outcome import PreparedRequest
from benchmarks.prepared import FORMATS, grey_pictures, in_format, judge_of
from benchmarks.serving.findings import Cell, Serving, Steady, cores_between, fastest, markdown
from benchmarks.serving.limit import Limit, in_process_limit
from benchmarks.serving.plot import draw
from benchmarks.serving.wrk import closed_loop
from benchmarks.tables import machine
from benchmarks.traffic import Load, LoadTarget
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text


class ServingBenchmarkSettings(Settings):
    """Drive the server with clients that wait, then with a rate that does not; compare with the work alone."""

    model: str = Field("demo", description="name of the model; its archive is MODEL_STORE/MODEL.mar")
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    pictures: Path = Field(Path("data/sample/test"), description="folder of pictures to send")
    formats: list[str] = Field(list(FORMATS), description="how the pictures are sent")
    clients: list[int] = Field([1, 2, 4, 8, 16, 32, 64], description="clients that wait for their answers")
    seconds: float = Field(10.0, ge=1, description="for each format and number of clients, and for the limit")
    share: float = Field(0.7, gt=0, lt=1, description="of the best throughput, sent at a steady rate afterwards")
    steady_seconds: float = Field(30.0, gt=0, description="how long the steady rate lasts")
    is_random: bool = Field(False, description="the steady rate's pauses are exponential; a line's are even")
    rounds: int = Field(3, ge=1, description="times that all is measured but the steady rate; the fastest counts")
    out: Path = Field(Path("runs/serving"), description="folder of table, curve, requests and server")


def serving(settings: ServingBenchmarkSettings) -> None:
    """Measure and print; writes `table.md` and `serving.svg`."""
    archive = settings.model_store / f"{settings.model}.mar"
    judge, pictures = judge_of(archive), grey_pictures(settings.pictures, most=20)
    requests = {form: some for form in settings.formats if (some := in_format(form, judge, pictures))}
    found = fastest([_round(settings, archive, requests) for _ in range(settings.rounds)])
    with Live(settings.model, settings.model_store, settings.out) as server:
        steady = [_steady(server, settings, found, form, some) for form, some in requests.items()]
    _show(replace(found, steady=steady), settings)


def _round(settings: ServingBenchmarkSettings, archive: Path, requests: dict[str, list[PreparedRequest]]) -> Serving:
    server = Live(settings.model, settings.model_store, settings.out)
    start = server.start()
    try:
        for some in requests.values():  # so that the first cell is not the one that warms everything up
            traffic.run(LoadTarget(server.url), some, Load(clients=4, count=3 * len(some)))
        cells = [_cell(server, settings, form, count, some) for form, some in requests.items() for count in settings.clients]
    finally:
        server.stop()
    # With the server gone, as it would be without one; as often as with it, so that luck is on neither side.
    limits = {form: _limit(settings, archive, some) for form, some in requests.items()}
    return Serving(start, cells, limits, [])


def _limit(settings: ServingBenchmarkSettings, archive: Path, requests: list[PreparedRequest]) -> Limit:
    tries = [in_process_limit(archive, requests, settings.seconds) for _ in settings.clients]
    return max(tries, key=lambda one: one.per_second)


def _cell(server: Live, settings: ServingBenchmarkSettings, form: str, clients: int, requests: list[PreparedRequest]) -> Cell:
    # What the clients of the cell before left behind unanswered is still being worked on: these wait behind it.
    traffic.run(LoadTarget(server.url), requests[:1], Load(clients=1, count=3))
    before = server.usage()
    figures = closed_loop(server.url, requests, clients, settings.seconds, settings.out / "requests")
    after = server.usage()
    return Cell(form, figures, cores_between(before, after, figures.seconds), after)


def _steady(
    server: Live, settings: ServingBenchmarkSettings, found: Serving, form: str, requests: list[PreparedRequest]
) -> Steady:
    rate = settings.share * found.best(form).figures.per_second
    traffic.run(LoadTarget(server.url), requests, Load(clients=2, count=2 * len(requests)))
    load = Load(rate=rate, seconds=settings.steady_seconds, is_random=settings.is_random)
    return Steady(form, rate, traffic.run(LoadTarget(server.url), requests, load))


def _show(found: Serving, settings: ServingBenchmarkSettings) -> None:
    write_text(settings.out / "table.md", f"{machine()}\n{markdown(found)}")
    draw(found, settings.out / "serving.svg")
    Console(width=160).print(Markdown(markdown(found)))
    print(f"{settings.out / 'table.md'}, {settings.out / 'serving.svg'}; Linux {platform.release()}")


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: serving(from_flags(ServingBenchmarkSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
