"""`python -m benchmarks.drift`: delay and cause of each change, false alarms of quiet lines, and a picture of the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
from benchmarks.drift.measure import DEFECTS, Seen, measured_pool, trained_model
from benchmarks.tables import machine, table
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text
from snag.drift.martingale import ALARM, WATCH

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
    quiet_lines: int = Field(10, description="lines of 100,000 pictures that never change, for each number of pictures")


def drift(settings: DriftBenchmarkSettings) -> None:
    """Measure, simulate, write the table and the plot."""
    model = settings.run or trained_model(settings.out)
    pool = measured_pool(settings.out, model, settings.good, settings.changed, settings.defects)
    head = (
        "calibration pictures",
        "change",
        "noticed",
        "pictures until the alarm: median",
        "slowest",
        "called",
        "alarms before",
    )
    text = f"{machine()}\n{table(head, _rows(settings, pool))}\n{table(*_quiet(settings, pool))}"
    write_text(settings.out / "table.md", text)
    _plot(pool, settings).savefig(settings.out / "plot.png", dpi=110)
    Console().print(Markdown(text))
    print(f"{settings.out / 'table.md'}, {settings.out / 'plot.png'}")


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


def _quiet(
    settings: DriftBenchmarkSettings, pool: Mapping[str, Sequence[Seen]]
) -> tuple[Sequence[str], list[Sequence[object]]]:
    rows = []
    for count in settings.calibration:
        alarms = 0
        for seed in tqdm(range(settings.quiet_lines), f"quiet, {count}", disable=None):
            alarms += sum(alarm is not None for alarm in MeasuredLine(pool, count, 1000 + seed).pictures(WATCH, defects=0.0))
        rows.append((count, settings.quiet_lines, f"{WATCH:,}", alarms))
    return ("calibration pictures", "lines that never change", "pictures of each", "alarms"), rows


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
