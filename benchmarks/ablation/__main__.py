"""`python -m benchmarks.ablation`: the ablation table, resumable; a finished row is not run again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.ablation.steps import STEPS
from benchmarks.accuracy.record import AccuracyRecord, record_of
from benchmarks.accuracy.run import run_one
from benchmarks.accuracy.table import markdown
from benchmarks.tables import command, machine
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text


class AblationSettings(Settings):
    """Train, calibrate and evaluate each step from the baseline's recipe to Snag's and print the table."""

    data: list[Path] = Field(description="data sets in MVTec layout, with test/ and masks")
    seed: list[int] = Field([0], description="seeds")
    step: list[int] = Field(list(range(1, len(STEPS) + 1)), description="numbers of the steps to run")
    out: Path = Field(Path("runs/ablation"), description="folder of the runs and of table.md")


def ablation(settings: AblationSettings) -> None:
    """Run every row, then write and print the table; it is written anew after each row."""
    records: dict[tuple[str, int], AccuracyRecord] = {}
    for data in settings.data:
        for number in settings.step:
            step, rows = STEPS[number - 1], []
            for seed in settings.seed:
                folder = settings.out / f"{data.name}-{number}-{seed}"
                rows.append(replace(run_one(data, step.preset, seed, folder, list(step.flags)), preset=step.name))
                records[data.name, number] = record_of(rows, command())
                write_text(settings.out / "table.md", f"{machine()}\n{markdown(list(records.values()))}")
    Console().print(Markdown(markdown(list(records.values()))))
    print(f"{settings.out / 'table.md'}")


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: ablation(from_flags(AblationSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
