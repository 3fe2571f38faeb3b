"""`python -m benchmarks.line`: kills server, broker and line while parts come, and counts what became of each part.

It fails where a part is lost that no setting allows to be lost, or is judged twice.
"""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import Field

from benchmarks.line.broker import Mosquitto, Subscriber
from benchmarks.line.running import RunningLine
from benchmarks.live import Live
from benchmarks.tables import machine, table
from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadConfig
from snag.core.files import write_text
from snag.core.picture_files import picture_files

_COLUMNS: Final = (
    "what happened", "without a verdict", "parts in", "events out", "lost", "of them told", "judged twice", "messages repeated",
    "rows in CSV", "rows repeated", "parts decided without a verdict",
)  # fmt: skip
_AWAY: Final = 3.0  #: seconds for which what was killed is away
_DEADLINE: Final = 3.0  #: seconds that a part waits for its verdict
_STRIKES: Final = (0.25, 0.6)  #: of the parts, before which something happens
_PATIENCE: Final = 180.0  #: seconds for all to be over


class LineBenchmarkSettings(Settings):
    """Kill server, broker and line while parts come, and count lost and doubled events."""

    model: str = Field("demo", description="name of the model; its archive is MODEL_STORE/MODEL.mar")
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    pictures: Path = Field(Path("data/sample/test"), description="folder of pictures that come as parts, again and again")
    parts: int = Field(80, ge=4, description="parts of each case")
    rate: float = Field(2.0, gt=0, description="parts a second")
    cases: list[str] = Field([], description="what shall happen, of the table's first column; unset: all of it")
    out: Path = Field(Path("runs/line-faults"), description="folder of the table, and of all that runs")


@dataclass(frozen=True)
class Stage:
    """All that can be killed."""

    server: Live
    broker: Mosquitto
    line: RunningLine


@dataclass(frozen=True)
class LineFault:
    """What happens, twice, while parts come."""

    name: str
    action: str  #: without a verdict
    strike: Callable[[Stage], None]
    spool: int = 100_000


def _nothing(stage: Stage) -> None:
    pass


def _kill_broker(stage: Stage) -> None:
    stage.broker.kill()
    time.sleep(_AWAY)
    stage.broker.start()


def _kill_server(stage: Stage) -> None:
    for process in stage.server.processes():
        process.kill()
    time.sleep(_AWAY)
    stage.server.start()


def _freeze_server(stage: Stage) -> None:
    processes = stage.server.processes()
    for process in processes:
        process.suspend()
    time.sleep(2 * _AWAY)
    for process in processes:
        process.resume()


def _kill_line(stage: Stage) -> None:
    for _ in range(3):
        stage.line.end(signal.SIGKILL)
        stage.line.start()
        time.sleep(1.5)


def _stop_line(stage: Stage) -> None:
    stage.line.end()
    stage.line.start()


def _kill_all(stage: Stage) -> None:
    stage.broker.kill()
    stage.line.end(signal.SIGKILL)
    _kill_server(stage)
    stage.line.start()
    stage.broker.start()


FAULTS: Final = (
    LineFault("nothing", "reject", _nothing),
    LineFault("broker killed", "reject", _kill_broker),
    LineFault("server killed", "stop", _kill_server),
    LineFault("server killed", "reject", _kill_server),
    LineFault("server frozen for 6 s", "reject", _freeze_server),
    LineFault("line killed three times over", "reject", _kill_line),
    LineFault("line stopped and started", "reject", _stop_line),
    LineFault("all three killed", "stop", _kill_all),
    LineFault("broker killed with a spool of 5", "reject", _kill_broker, spool=5),
)


@dataclass(frozen=True)
class LineOutcome:
    """What became of the parts."""

    fault: LineFault
    parts: int
    events: int  #: at the subscriber, each id once
    lost: int
    told: int  #: of the lost ones, those that the line's metrics count
    twice: int  #: parts with more than one id
    repeated: int  #: messages that came again, under the same id
    rows: int
    rows_repeated: int
    unjudged: int

    @property
    def is_right(self) -> bool:
        """Whether nothing was lost that was not told, and nothing judged twice."""
        return self.lost == self.told and not self.twice and not self.rows_repeated and self.rows == self.parts


def faults(settings: LineBenchmarkSettings) -> bool:
    """Run every case and print; whether all are right. Raises NoPictures, BadConfig without mosquitto."""
    pictures = picture_files(settings.pictures).required("pictures to send as parts").pictures
    cases = [fault for fault in FAULTS if not settings.cases or fault.name in settings.cases]
    if unknown := set(settings.cases) - {fault.name for fault in FAULTS}:
        raise BadConfig(detail=f"cases = {sorted(unknown)}: expected some of {', '.join(fault.name for fault in FAULTS)}")
    outcomes = []
    with Live(settings.model, settings.model_store, settings.out) as server:
        for at, fault in enumerate(cases):
            folder = settings.out / f"case-{at}"
            shutil.rmtree(folder, ignore_errors=True)
            with Mosquitto(folder / "broker") as broker, Subscriber(broker.port) as subscriber:
                line = RunningLine(folder / "run", server, broker.port, fault.action, _DEADLINE, fault.spool)
                with line:
                    _send(settings, pictures, Stage(server, broker, line), fault)
                    _wait(settings.parts, subscriber, line)
                    dropped = line.dropped()
                outcomes.append(_counted(fault, settings.parts, subscriber, line, dropped))
                print(outcomes[-1], flush=True)
    is_right = all(one.is_right for one in outcomes)
    text = f"{machine()}\nParts came at {settings.rate:g} a second.\n\n{table(_COLUMNS, map(_row, outcomes))}"
    write_text(settings.out / "table.md", text)
    print(f"{text}\nnothing lost untold, nothing judged twice: {is_right}")
    return is_right


def _send(settings: LineBenchmarkSettings, pictures: list[Path], stage: Stage, fault: LineFault) -> None:
    """Move parts in at the rate; the pictures go on coming while something is away."""
    strikes = [int(share * settings.parts) for share in _STRIKES]
    inbox, begin = stage.line.folder / "in", time.monotonic()
    under_way: list[threading.Thread] = []
    for part in range(settings.parts):
        time.sleep(max(0.0, begin + part / settings.rate - time.monotonic()))
        source = pictures[part % len(pictures)]
        half = inbox / f".{part:05d}.part"
        shutil.copyfile(source, half)
        half.rename(inbox / f"{part:05d}{source.suffix}")
        if part in strikes:
            under_way.append(threading.Thread(target=_after, args=(under_way[-1:], fault.strike, stage)))
            under_way[-1].start()
    for striking in under_way:
        striking.join()


def _after(others: list[threading.Thread], strike: Callable[[Stage], None], stage: Stage) -> None:
    """Strike when the last one is over and the line has had some parts in between."""
    for other in others:
        other.join()
        time.sleep(_AWAY)
    strike(stage)


def _wait(parts: int, subscriber: Subscriber, line: RunningLine) -> None:
    """Until every part has its row, and its event has come or is told as dropped."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if len(set(line.rows())) >= parts and len(subscriber.ids) + line.dropped() >= parts:
            break
        time.sleep(0.2)
    time.sleep(1.0)  # what would come twice


def _counted(fault: LineFault, parts: int, subscriber: Subscriber, line: RunningLine, dropped: int) -> LineOutcome:
    events = {event["id"]: event for event in subscriber.said("/verdict")}
    names = [event["picture"] for event in events.values()]
    rows = line.rows()
    return LineOutcome(
        fault=fault,
        parts=parts,
        events=len(events),
        lost=parts - len(set(names)),
        told=dropped,
        twice=len(names) - len(set(names)),
        repeated=sum(subscriber.ids.values()) - len(events),
        rows=len(set(rows)),
        rows_repeated=len(rows) - len(set(rows)),
        unjudged=sum(event["cause"] in ("silent", "slow") for event in events.values()),
    )


def _row(one: LineOutcome) -> tuple[object, ...]:
    counts = (one.parts, one.events, one.lost, one.told, one.twice, one.repeated, one.rows, one.rows_repeated, one.unjudged)
    return one.fault.name, one.fault.action, *counts


def main(argv: list[str] | None = None) -> int:
    """Entry point; 1 when a part was lost untold, or judged twice."""
    codes = [0]
    return run(lambda: codes.append(0 if faults(from_flags(LineBenchmarkSettings, argv)) else 1)) or codes[-1]


if __name__ == "__main__":
    raise SystemExit(main())
