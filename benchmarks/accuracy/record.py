"""Record: what one preset gave on one data set, over its seeds, with the command, the day and the revision."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, stdev
from typing import Final

from benchmarks.accuracy.run import ResultLine
from snag.core.errors import BadConfig
from snag.core.files import write_text
from snag.training.run.provenance import git_revision

#: The figures of a record, as fields of ResultLine.
FIGURES: Final = (
    "image_auroc",
    "worst_defect",
    "pixel_ap",
    "aupro_30",
    "tpr",
    "fpr",
    "gain",
    "gamma",
    "shortcut",
    "train_minutes",
    "network_ms",
    "score_ms",
)


@dataclass(frozen=True)
class AccuracyRecord:
    """One row of the accuracy tables."""

    data: str
    preset: str
    mode: str
    seeds: int
    good: int  #: pictures of test/good
    bad: int  #: test pictures with a defect
    told: float | None  #: the false-alarm rate that calibration told, where it is one for all seeds
    command: str
    date: str
    revision: str
    #: Mean, and standard deviation over the seeds (n - 1) where there are several; None where nothing was measured.
    figures: dict[str, tuple[float, float | None] | None]


def record_of(rows: Sequence[ResultLine], command: str) -> AccuracyRecord:
    """Sum up the seeds of one preset on one data set."""
    first = rows[0]
    told = {row.told for row in rows}
    return AccuracyRecord(
        data=first.data,
        preset=first.preset,
        mode=first.mode,
        seeds=len(rows),
        good=first.good,
        bad=first.bad,
        told=told.pop() if len(told) == 1 else None,
        command=command,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        revision=git_revision(),
        figures={name: _summed_up([getattr(row, name) for row in rows]) for name in FIGURES},
    )


def write_record(record: AccuracyRecord, path: Path) -> None:
    """Write it as JSON, atomically."""
    write_text(path, json.dumps(asdict(record), indent=1) + "\n")


def read_record(path: Path) -> AccuracyRecord:
    """Read it back. Raises BadConfig for another file."""
    try:
        return AccuracyRecord(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise BadConfig(detail=f"{path} is no accuracy record: {error}") from error


def read_records(folder: Path) -> list[AccuracyRecord]:
    """Every record of a folder, by data set and preset."""
    found = [read_record(path) for path in folder.glob("*.json")]
    return sorted(found, key=lambda record: (record.data, record.preset))


def _summed_up(values: Sequence[float | None]) -> tuple[float, float | None] | None:
    numbers = [value for value in values if value is not None]
    if not numbers:
        return None
    return mean(numbers), stdev(numbers) if len(numbers) > 1 else None
