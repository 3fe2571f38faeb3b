"""`python -m benchmarks.drift`: delay and cause of each change, false alarms of lines that never change, and a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown
from tqdm import tqdm

from benchmarks.drift.changes import CHANGES
from benchmarks.drift.line import BURST, MeasuredLine, noticed
from benchmarks.drift.measure import DEFECTS, QUIET, Seen, measured_pool, trained_model
from benchmarks.drift.shares_alert import shares_rows
from benchmarks.drift.watches import alarms, changed_before, in_an_order, quiet, rows
from benchmarks.results import keep
from benchmarks.tables import machine, table
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text
from snag.drift.martingale import ALARM

_CHANGED = (
    "calibration pictures",
    "change",
    "noticed",
    "pictures until the alarm: median",
    "slowest",
    "called",
    "alarms before",
)
_WATCHED = ("line", "calibration pictures", "lines", "pictures of each", "alarms", "share", "95 % interval", "median picture")
_CAPTIONS = (
    "Lines that never change, whole watches:",
    "Lines that never change, but whose pictures come in an order or come again:",
    "Lines that changed between calibration and the first verdict:",
)
_NAMES = {**{name: name for name in CHANGES}, DEFECTS: f"defects {100 * BURST:g} % instead of 1 %"}


class DriftBenchmarkSettings(Settings):
    """Simulate lines with pictures of the embedded sample, change them, and print the table."""

    out: Path = Field(Path("runs/drift"), description="folder of the model, the pictures, table.md and plot.png")
    run: Path | None = Field(None, description="run folder of a model of the sample; without it one is trained")
    good: int = Field(2000, description="good pictures in the pool")
    changed: int = Field(400, description="of those, how many are seen after each change")
    defects: int = Field(40, description="pictures of each kind of defect")
    calibration: list[int] = Field([40, 64, 200], description="numbers of calibration pictures")
    lines: int = Field(20, description="simulated lines for each row")
    quiet: int = Field(5000, description="pictures before the change")
    watches: int = Field(1400, ge=2, description="whole watches of 100,000 pictures, of each kind of line that never changes")
    ordered: int = Field(200, ge=2, description="lines of each kind whose pictures come in an order, or that changed before")
    calibrations: int = Field(4000, ge=2, description="calibrations that the alert SnagDrift is tried on")
    processes: int = Field(2, ge=1, description="processes that simulate watches")
    keep: bool = Field(False, description="keep the tables as docs/results/drift.md, too, which the documents quote")


def drift(settings: DriftBenchmarkSettings) -> None:
    """Measure, simulate, write the tables and the plot."""
    model = settings.run or trained_model(settings.out)
    pool = measured_pool(settings.out, model, settings.good, settings.changed, settings.defects)
    text = "\n".join(_tables(settings, pool))
    write_text(settings.out / "table.md", f"{machine()}\n{text}")
    _plot(pool, settings).savefig(settings.out / "plot.png", dpi=110)
    Console().print(Markdown(text))
    if settings.keep:
        print(keep(settings.out / "table.md", "drift"))
    print(f"{settings.out / 'table.md'}, {settings.out / 'plot.png'}")


def _tables(settings: DriftBenchmarkSettings, pool: Mapping[str, Sequence[Seen]]) -> Iterator[str]:
    yield "Lines of measured pictures that change:\n"
    yield table(_CHANGED, _rows(settings, pool))
    kinds = quiet(np.array(pool[QUIET]), settings.watches), in_an_order(settings.ordered), changed_before(settings.ordered)
    found = iter(alarms([one for situations in kinds for one in situations], settings.processes))
    for caption, situations in zip(_CAPTIONS, kinds, strict=True):
        yield f"{caption}\n"
        yield table(_WATCHED, rows(situations, islice(found, len(situations))))
    yield "Calibrations that set off the alert SnagDrift by their luck alone, in windows of 600 good pictures:\n"
    head = ("calibration pictures", "calibrations", "windows with the alert", "calibrations with it in half of the first hour")
    yield table(head, shares_rows(settings.calibration, settings.calibrations))


def _rows(settings: DriftBenchmarkSettings, pool: Mapping[str, Sequence[Seen]]) -> Iterator[Sequence[object]]:
    for count in settings.calibration:
        for change, name in _NAMES.items():
            seeds = tqdm(range(settings.lines), f"{name}, {count}", disable=None)
            found = [noticed(MeasuredLine(pool, count, seed), settings.quiet, change, settings.quiet) for seed in seeds]
            delays = [one.delay for one in found if one.delay is not None]
            causes = Counter(one.cause for one in found if one.cause is not None)
            yield (
                count,
                name,
                f"{len(delays)} of {len(found)}",
                float(np.median(delays)) if delays else float("nan"),
                max(delays, default="-"),
                ", ".join(f"{cause} {number}" for cause, number in causes.most_common()),
                sum(one.early for one in found),
            )


def _plot(pool: Mapping[str, Sequence[Seen]], settings: DriftBenchmarkSettings) -> Figure:
    """The evidence on one line for each change: 400 pictures before it, and on to the alarm."""
    before, count = 400, settings.calibration[len(settings.calibration) // 2]
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure((9.6, 5.4), layout="constrained")
        for axes, (change, name) in zip(figure.subplots(2, 2, sharey=True).flat, _NAMES.items(), strict=True):
            line, paths = MeasuredLine(pool, count, 0), []
            line.pictures(settings.quiet - before)
            for number in range(settings.quiet):
                more = {} if number < before else {"defects": BURST} if change == DEFECTS else {"kind": change}
                alarm = line.pictures(1, **more)[0]  # type: ignore[arg-type]
                paths.append(alarm.evidence if alarm else line.watch.evidence)
                if alarm and number >= before:
                    break
            for evidence in paths[0]:
                axes.plot(np.arange(len(paths)) - before, [one[evidence] for one in paths], label=evidence, linewidth=1.4)
            axes.axhline(ALARM, color="black", linewidth=0.8, linestyle="--")
            axes.axvline(0, color="grey", linewidth=0.8)
            axes.set_title(f"{name}: {alarm.cause if alarm else 'not noticed'}", loc="left", fontsize=10)
            axes.set(xlabel="pictures since the change", ylabel="evidence (natural logarithm)", ylim=(-1.5, ALARM + 2))
            delay = len(paths) - before
            axes.set_xlim(-0.3 * delay, 1.05 * delay)
        figure.axes[0].legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 0.8))
        return figure


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: drift(from_flags(DriftBenchmarkSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
