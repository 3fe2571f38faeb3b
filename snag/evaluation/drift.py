"""`snag drift`: watches logged verdicts again and draws the evidence that the line has changed.

The server's own watch goes on over restarts and rotated logs; this one begins with the oldest verdict that is still in the log.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure
from pydantic import Field

from snag.cli.settings import Settings, from_flags, run
from snag.cli.table import csv_table
from snag.core.errors import BadDataset
from snag.core.files import write_bytes, write_text
from snag.core.group import POOLED
from snag.core.ranks import parse_ranks
from snag.drift.bets import BETS
from snag.drift.martingale import ALARM, Alarm, Watch

_POINTS: Final = 1000  #: of a curve; of more pictures, some share one, the one with the most evidence among them

#: What an alarm rests on; stands wherever alarms are shown.
ASSUMPTION: Final = (
    "If the pictures of a line that does not change come in no order, at most 1 of 1,000 watches of up to 100,000 pictures\n"
    "raises an alarm, on average. Where each resembles the one before, or they come in lots, an alarm may say only that."
)


class DriftSettings(Settings):
    """Draw the evidence for drift from the log of a server."""

    log: Path = Field(
        Path("runs/server-8080/logs/requests.log"), description="log of requests; older ones beside it (.1, .2, …) count too"
    )
    out: Path | None = Field(None, description="folder of drift.png and alarms.csv (default: drift beside the folder of logs)")


class StreamKey(NamedTuple):
    """What is watched by itself."""

    model: str
    version: str
    group: str


@dataclass
class Course:
    """How the watch over one line went."""

    watch: Watch
    evidence: list[dict[str, float]] = field(default_factory=list)  #: after each picture; at an alarm that which raised it
    alarms: list[tuple[int, str, Alarm]] = field(default_factory=list)  #: number of the picture, time, alarm


def drift(settings: DriftSettings) -> None:
    """Read, watch, draw. Raises BadDataset where the log holds no verdict with ranks."""
    courses = watched(logged_verdicts(settings.log))
    if not courses:
        raise BadDataset(detail=f"{settings.log} holds no verdicts; is it the log of a server that has judged pictures?")
    out = settings.out or settings.log.parent.parent / "drift"
    write_text(out / "alarms.csv", alarms_csv(courses))
    write_bytes(out / "drift.png", _png(courses))
    for line, course in courses.items():
        causes = ", ".join(f"{cause} {count}" for cause, count in course.watch.alarms.items() if count) or "none"
        repeats = f" and {course.watch.repeats} sent again, which are not watched" if course.watch.repeats else ""
        print(f"{line.model} {line.version}, {line.group}: {len(course.evidence)} pictures{repeats}; alarms: {causes}")
    print(f"{out / 'drift.png'}, {out / 'alarms.csv'}\n{ASSUMPTION}")


def logged_verdicts(log: Path) -> Iterator[dict[str, Any]]:
    """Every line of the log and of those that were rotated away, oldest first; what is no JSON object is passed over.

    Raises BadDataset for a log that can't be read.
    """
    older = sorted(
        (path for path in log.parent.glob(f"{log.name}.*") if path.suffix[1:].isdigit()), key=lambda path: -int(path.suffix[1:])
    )
    for path in (*older, log):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise BadDataset(detail=f"{path}: {error.strerror}; expected a server's log of requests") from error
        for line in text.splitlines():
            try:
                fields = json.loads(line)
            except ValueError:  # the end of a line that a full disk cut off
                continue
            if isinstance(fields, dict):
                yield fields


def watched(verdicts: Iterator[dict[str, Any]]) -> dict[StreamKey, Course]:
    """The course of every line."""
    courses: dict[StreamKey, Course] = {}
    for fields in verdicts:
        ranks = parse_ranks(fields.get("ranks") if isinstance(fields.get("ranks"), str) else None)
        if ranks is None:
            continue
        line = StreamKey(str(fields.get("model")), str(fields.get("version")), str(fields.get("threshold_of", POOLED)))
        course = courses.setdefault(line, Course(Watch(ranks.calibration)))
        if course.watch.calibration != ranks.calibration:
            course.watch = Watch(ranks.calibration, repeats=course.watch.repeats, alarms=course.watch.alarms)
        if fields.get("repeat") is True:  # the server did not watch it either
            course.watch.repeats += 1
            continue
        alarm = course.watch.see(ranks.places)
        course.evidence.append(alarm.evidence if alarm else course.watch.evidence)
        if alarm:
            course.alarms.append((len(course.evidence), str(fields.get("time")), alarm))
    return {line: course for line, course in courses.items() if course.evidence}  # a log may begin with a repeat


def alarms_csv(courses: Mapping[StreamKey, Course]) -> str:
    """A row for each alarm."""
    rows = [
        [*line, time, number, alarm.cause, alarm.pictures, *(round(alarm.evidence[name], 2) for name in BETS)]
        for line, course in courses.items()
        for number, time, alarm in course.alarms
    ]
    return csv_table([*StreamKey._fields, "time", "picture", "cause", "pictures_of_the_watch", *BETS], rows)


def _png(courses: Mapping[StreamKey, Course]) -> bytes:
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "text.parse_math": False}):
        figure = Figure((10, 1.0 + 2.4 * len(courses)), layout="constrained")
        plots = figure.subplots(len(courses), 1, squeeze=False)[:, 0]
        for axes, (line, course) in zip(plots, courses.items(), strict=True):
            numbers, points = _thinned(course.evidence)
            for name in BETS:
                axes.plot(numbers, [point[name] for point in points], label=name, linewidth=1.2)
            axes.axhline(ALARM, color="black", linewidth=0.8, linestyle="--")
            for number, _, alarm in course.alarms[:20]:
                axes.annotate(alarm.cause, (number, ALARM), (2, 3), textcoords="offset points", fontsize=8)
            axes.set_title(f"{line.model} {line.version}, {line.group}", loc="left", fontsize=10)
            axes.set(ylabel="evidence", ylim=(-2, ALARM + 3))
        figure.supxlabel(ASSUMPTION, fontsize=8, x=0.01, horizontalalignment="left")
        plots[0].legend(frameon=False, ncols=len(BETS), loc="upper right")
        plots[-1].set_xlabel("verdicts in the log")
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=110)
        return picture.getvalue()


def _thinned(evidence: Sequence[dict[str, float]]) -> tuple[list[int], list[dict[str, float]]]:
    """At most _POINTS of them, with their numbers from 1."""
    step = -(-len(evidence) // _POINTS)
    starts = range(0, len(evidence), step)
    return [start + 1 for start in starts], [max(evidence[at : at + step], key=lambda one: max(one.values())) for at in starts]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: drift(from_flags(DriftSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
