"""`python -m benchmarks.accuracy`: the accuracy table, resumable; a finished cell is not run again."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.accuracy.record import AccuracyRecord, record_of, write_record
from benchmarks.accuracy.run import run_one
from benchmarks.accuracy.table import markdown
from benchmarks.tables import command, machine
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text


class AccuracySettings(Settings):
    """Train, calibrate and evaluate presets x seeds on data sets and print the table."""

    data: list[Path] = Field(description="data sets in MVTec layout, with test/ and masks")
    preset: list[str] = Field(["default"], description="presets")
    seed: list[int] = Field([0, 1, 2], description="seeds")
    out: Path = Field(Path("runs/accuracy"), description="folder of the runs and of table.md")
    extra: str = Field("", description="further flags of snag.training.train, for example '--epochs 3'")


def accuracy(settings: AccuracySettings) -> None:
    """Run every cell; write a record for each preset on each data set, and the table. Both are written anew after each cell."""
    records: dict[tuple[str, str], AccuracyRecord] = {}
    for data in settings.data:
        for preset in settings.preset:
            rows = []
            for seed in settings.seed:
                folder = settings.out / f"{data.name}-{preset}-{seed}"
                rows.append(run_one(data, preset, seed, folder, settings.extra.split()))
                record = records[data.name, preset] = record_of(rows, command())
                write_record(record, settings.out / f"{data.name}-{preset}.json")
                write_text(settings.out / "table.md", f"{machine()}\n{markdown(list(records.values()))}")
    Console().print(Markdown(markdown(list(records.values()))))
    print(f"{settings.out / 'table.md'}; `python -m benchmarks.results --keep` keeps a record for the documents")


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: accuracy(from_flags(AccuracySettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
