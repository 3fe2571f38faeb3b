"""Records to rows: each data set once, with what each way gave on it; mean and worst; false alarms of all sets together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Final

from scipy import stats

from benchmarks.accuracy.record import AccuracyRecord
from benchmarks.accuracy.sets import KnownSet, known_set

#: How the control is called where a preset's name stands: before its scale.
CONTROL: Final = "patchcore-"
#: What stands between a preset's name and the mode that was asked of it.
IN_MODE: Final = "-in-"
_CONFIDENCE: Final = 0.95
#: What is compared, and which end of it is the worst.
COMPARED: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "image_auroc": min,
    "worst_defect": min,
    "tpr": min,
    "fpr": max,
}


@dataclass(frozen=True)
class LadderRow:
    """A data set."""

    known: KnownSet
    cells: Mapping[str, AccuracyRecord]  #: by way; what is not measured is missing


@dataclass(frozen=True)
class Together:
    """False alarms of one way on the good pictures of several sets."""

    sets: int
    good: int
    alarms: int
    told: float | None  #: the rate that the calibrations promised on average, each weighed by its set's good pictures

    @property
    def interval(self) -> tuple[float, float]:
        """See `exact_interval`. Sets whose rates differ make it wider than it need be, not narrower."""
        return exact_interval(self.alarms, self.good)


def rows_of(records: Sequence[AccuracyRecord]) -> list[LadderRow]:
    """One row for each data set: those with all their good pictures first, then by the number of these; else as they come."""
    found: dict[str, dict[str, AccuracyRecord]] = {}
    for record in records:
        found.setdefault(record.data, {})[record.preset] = record
    rows = [LadderRow(known_set(data), cells) for data, cells in found.items()]
    return sorted(rows, key=lambda row: (row.known.few is not None, row.known.few or 0))


def pairs_of(records: Sequence[AccuracyRecord]) -> list[tuple[AccuracyRecord, AccuracyRecord]]:
    """What a preset gave in the mode that Snag chose, and in one that was asked for, where both were measured."""
    found = {(record.data, record.preset): record for record in records}
    asked = [record for record in records if IN_MODE in record.preset]
    chosen = [found.get((record.data, record.preset.split(IN_MODE)[0])) for record in asked]
    return [(one, other) for one, other in zip(chosen, asked, strict=True) if one is not None]


def ways_of(records: Sequence[AccuracyRecord]) -> list[str]:
    """The ways that choose the mode themselves, presets first, each once."""
    names = list(dict.fromkeys(record.preset for record in records if IN_MODE not in record.preset))
    return sorted(names, key=lambda name: name.startswith(CONTROL))


def complete(rows: Sequence[LadderRow], ways: Sequence[str]) -> list[LadderRow]:
    """Those on which every way was measured: a mean over others would compare one way's easy sets with another's hard ones."""
    return [row for row in rows if all(way in row.cells for way in ways)]


def figure_of(record: AccuracyRecord, name: str) -> float:
    """A figure that every cell has."""
    found = record.figures[name]
    if found is None:
        raise ValueError(f"{record.data}, {record.preset}: {name} is missing")
    return found[0]


def mean_and_worst(rows: Sequence[LadderRow], way: str, name: str) -> tuple[float, float]:
    """Of a figure of COMPARED, over rows that all have it."""
    values = [figure_of(row.cells[way], name) for row in rows]
    return mean(values), COMPARED[name](values)


def count_of(record: AccuracyRecord, name: str) -> tuple[int, int]:
    """Pictures that were rejected, and of how many: of the defective ones ("tpr") or the good ones ("fpr").

    Over several seeds they are those of one of them on average, rounded.
    """
    pictures = {"tpr": record.bad, "fpr": record.good}[name]
    return round(figure_of(record, name) * pictures), pictures


def together(rows: Sequence[LadderRow], way: str) -> Together:
    """The way's false alarms over rows that all have it."""
    cells = [row.cells[way] for row in rows]
    good = sum(cell.good for cell in cells)
    told = [cell.told * cell.good for cell in cells if cell.told is not None]
    return Together(
        sets=len(cells),
        good=good,
        alarms=sum(count_of(cell, "fpr")[0] for cell in cells),
        told=sum(told) / good if len(told) == len(cells) else None,
    )


def exact_interval(hits: int, count: int) -> tuple[float, float]:
    """Both ends of the binomial interval of 95 % (Clopper and Pearson, Biometrika 26, 1934) of a share of some pictures."""
    interval = stats.binomtest(hits, count).proportion_ci(_CONFIDENCE, method="exact")
    return float(interval.low), float(interval.high)
