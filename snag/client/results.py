"""What came of each picture: as rows, as CSV, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from snag.cli.table import csv_table
from snag.core.errors import SnagError
from snag.core.file_names import spelled
from snag.core.verdict import Verdict

_SHOWN: Final = 100  #: rows of the table; the CSV has all


@dataclass(frozen=True)
class ResultRow:
    """One row: a verdict or an error."""

    picture: str  #: its path, as `snag.core.file_names` spells it
    anomaly: bool | None = None
    score: float | None = None
    threshold: float | None = None
    p_value: float | None = None
    reconstruction_error: float | None = None
    reason: str | None = None
    error: str | None = None
    message: str | None = None


def judged(picture: Path, verdict: Verdict) -> ResultRow:
    """The row of a picture that got a verdict."""
    values = {field.name: getattr(verdict, field.name) for field in fields(ResultRow) if hasattr(verdict, field.name)}
    return ResultRow(spelled(picture), anomaly=verdict.is_anomaly, **values)


def failed(picture: Path, error: SnagError) -> ResultRow:
    """The row of a picture that got none."""
    return ResultRow(spelled(picture), error=error.code, message=str(error))


def csv_text(results: Sequence[ResultRow]) -> str:
    """All rows, empty where there is nothing to say."""
    return csv_table([field.name for field in fields(ResultRow)], [astuple(result) for result in results])


def print_table(results: Sequence[ResultRow], console: Console, root: Path) -> None:
    """The first rows, for people; pictures are named from `root` on."""
    table = Table("picture", "verdict", "score", "threshold", "p-value", "remark")
    for column in table.columns[2:5]:
        column.justify = "right"
    table.columns[0].overflow = "fold"  # a name that ends in dots can't be found again
    for result in results[:_SHOWN]:
        table.add_row(*_cells(result, root))
    console.print(table)
    if len(results) > _SHOWN:
        console.print(f"... and {len(results) - _SHOWN} more in the CSV")


def summary(results: Sequence[ResultRow]) -> str:
    """The count in one sentence."""
    anomalies = sum(bool(result.anomaly) for result in results)
    errors = sum(result.error is not None for result in results)
    word = "anomaly" if anomalies == 1 else "anomalies"
    return f"{len(results)} pictures: {len(results) - anomalies - errors} good, {anomalies} {word}, {errors} not judged"


def _cells(result: ResultRow, root: Path) -> tuple[str, ...]:
    name = escape(result.picture.removeprefix(f"{spelled(root)}/"))
    if result.error is not None:
        return name, "[yellow]not judged[/]", "", "", "", escape(f"{result.error}: {result.message}")
    verdict = "[red]anomaly[/]" if result.anomaly else "[green]good[/]"
    numbers = (f"{number:.4g}" for number in (result.score, result.threshold, result.p_value) if number is not None)
    return name, verdict, *numbers, result.reason or ""
