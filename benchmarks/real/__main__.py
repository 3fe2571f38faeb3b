"""`python -m benchmarks.real`: the ladder, Snag beside the control on published sets; a finished cell is not run again.

`python -m benchmarks.published` lays the sets out first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from subprocess import CalledProcessError
from typing import Annotated

from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.accuracy.record import AccuracyRecord, read_record
from benchmarks.published.sets import SETS
from benchmarks.real.cells import Way, control, in_mode, measured, preset, record_of_cell
from benchmarks.real.few import with_few
from benchmarks.real.table import ladder
from benchmarks.tables import machine
from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadConfig, SnagError
from snag.core.files import write_text
from snag.training.data.dataset import LEAST_PICTURES


class RealSettings(Settings):
    """Train, calibrate and evaluate on data sets, put PatchCore beside it, and print the ladder."""

    sets: list[str] = Field(list(SETS), min_length=1, description="names of the data sets, as in tire,cookie")
    data: Path = Field(Path("data/real"), description="folder in which they are laid out")
    preset: list[str] = Field(["quick", "default"], description="presets")
    mode: list[str] = Field(
        [], description="also in these modes, where Snag chose another, as in full_frame: was the choice right?"
    )
    control: list[Annotated[float, Field(ge=0.25, le=8)]] = Field(
        [1.0, 2.0], description="scales of the control: how many times larger its features see a picture than a run would"
    )
    few: list[Annotated[int, Field(ge=LEAST_PICTURES)]] = Field(
        [], description="also with so many good pictures to learn from, as in 30,60,100"
    )
    seed: int = Field(0, ge=0, description="of the trainings, of which good pictures the few are, of what is remembered")
    out: Path = Field(Path("runs/real"), description="folder of the runs, the records and table.md")
    extra: str = Field("", description="further flags of snag.training.train, for example '--epochs 3'")


def real(settings: RealSettings) -> None:
    """Run every cell; its record and the table are written as soon as it is done.

    A cell that fails keeps no other from being run. Raises BadConfig for a set that is not there, before anything runs, and at
    the end for cells that failed.
    """
    missing = [str(settings.data / name) for name in settings.sets if not (settings.data / name / "train" / "good").is_dir()]
    if missing:
        raise BadConfig(detail=f"{', '.join(missing)}: expected data sets as `python -m benchmarks.published` lays them out")
    records: list[AccuracyRecord] = []
    failed: list[str] = []
    for data, way in _cells(settings):
        try:
            records.append(measured(data, way, settings.seed, settings.out))
        except (SnagError, CalledProcessError) as error:
            print(f"{data.name}, {way.name}: {error}")
            failed.append(f"{data.name}, {way.name}")
        else:
            write_text(settings.out / "table.md", f"{machine()}\n{ladder(records)}")
    if records:
        Console().print(Markdown(ladder(records)))
        print(f"{settings.out / 'table.md'}; `python -m benchmarks.results --keep {settings.out}` keeps its records")
    if failed:
        raise BadConfig(detail=f"these cells failed, see above: {'; '.join(failed)}")


def _cells(settings: RealSettings) -> Iterator[tuple[Path, Way]]:
    """Whole sets first; each set with all ways, so that a row is complete early."""
    for name in settings.sets:
        yield from _row(settings, settings.data / name)
    for count in settings.few:
        for name in settings.sets:
            made = with_few(settings.data / name, count, settings.seed, settings.out / "few")
            if made is None:
                print(f"{name} has no more than {count} good pictures")
            else:
                yield from _row(settings, made)


def _row(settings: RealSettings, data: Path) -> Iterator[tuple[Path, Way]]:
    extra = settings.extra.split()
    for name in settings.preset:
        way = preset(name, extra)
        yield data, way
        record = record_of_cell(data, way, settings.seed, settings.out)  # there by now, unless it failed
        others = [mode for mode in settings.mode if record.exists() and read_record(record).mode != mode]
        yield from ((data, in_mode(way, name, mode, extra)) for mode in others)
    yield from ((data, control(scale)) for scale in settings.control)


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: real(from_flags(RealSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
