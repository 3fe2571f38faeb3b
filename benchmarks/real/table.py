"""The ladder as Markdown: the sets side by side, what each cell took, and the false alarms of all sets together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from benchmarks.accuracy.record import AccuracyRecord
from benchmarks.accuracy.sets import MARK, known_set
from benchmarks.accuracy.table import marks_of
from benchmarks.real.rows import (
    COMPARED,
    IN_MODE,
    LadderRow,
    complete,
    count_of,
    exact_interval,
    figure_of,
    mean_and_worst,
    pairs_of,
    rows_of,
    together,
    ways_of,
)
from benchmarks.tables import table

_TITLES = {"image_auroc": "image AUROC", "worst_defect": "worst kind", "tpr": "detected", "fpr": "false alarms"}
_SHARES = ("tpr", "fpr")
_DASH = "-"


def ladder(records: Sequence[AccuracyRecord]) -> str:
    """All of it, and what the marks mean; of each data set and way one record."""
    rows, ways = rows_of([one for one in records if IN_MODE not in one.preset]), ways_of(records)
    whole = [record for record in records if known_set(record.data).few is None]
    marks = [marks_of(whole)] if any(known_set(record.data).say for record in whole) else []
    return "\n".join((_side_by_side(rows, ways), *marks, _times(rows, ways), _together(rows, ways), *_modes(records)))


def kept_ladder(records: Sequence[AccuracyRecord]) -> str:
    """The same for a document, with what made each cell."""
    made = sorted({f"- `{one.command}`, {one.date}, `{one.revision}`" for one in records})
    return f"{ladder(records)}\nEach cell by one of these commands:\n\n" + "\n".join(made) + "\n"


def _side_by_side(rows: Sequence[LadderRow], ways: Sequence[str]) -> str:
    head = ["data", "good, bad", *(f"{way}: {_TITLES[name]}" for way in ways for name in COMPARED)]
    lines: list[list[object]] = []
    for few, group in groupby(rows, lambda row: row.known.few):
        some = list(group)
        lines += ([row.known.marked, _counts(row), *_cells(row, ways)] for row in some)
        for measured, those in _alike(some, ways):
            lines += _summaries(measured, ways, those, "" if few is None else f", {few} good")
    return table(head, lines)


def _alike(rows: Sequence[LadderRow], ways: Sequence[str]) -> list[tuple[list[LadderRow], list[str]]]:
    """What can be compared: ways that were measured on all rows, on these; then all ways, on the rows that have them all."""
    everywhere = [way for way in ways if all(way in row.cells for row in rows)]
    wide = [(list(rows), everywhere)] if len(everywhere) < len(ways) else []
    return [*wide, (complete(rows, ways), list(ways))]


def _summaries(rows: Sequence[LadderRow], ways: Sequence[str], those: Sequence[str], behind: str) -> list[list[object]]:
    """Mean and worst of several, of `those` ways; and the mean of sets that chose no settings, where there are others."""
    if len(rows) < 2 or not those:
        return []

    def line(title: str, some: Sequence[LadderRow], which: int) -> list[object]:
        return [f"{title}{behind}", "", *(_summary(some, way, name, which, those) for way in ways for name in COMPARED)]

    unmarked = [row for row in rows if not row.known.say]
    lines = [line(f"mean of {len(rows)}", rows, 0), line(f"worst of {len(rows)}", rows, 1)]
    return lines + ([line(f"mean of the {len(unmarked)} without{MARK}", unmarked, 0)] if 0 < len(unmarked) < len(rows) else [])


def _summary(rows: Sequence[LadderRow], way: str, name: str, which: int, those: Sequence[str]) -> str:
    if way not in those:
        return _DASH
    value = mean_and_worst(rows, way, name)[which]
    return _percent(value) if name in _SHARES else f"{value:.3f}"


def _counts(row: LadderRow) -> str:
    first = next(iter(row.cells.values()))
    return f"{first.good}, {first.bad}"


def _cells(row: LadderRow, ways: Sequence[str]) -> list[str]:
    return [_cell(row.cells.get(way), name) for way in ways for name in COMPARED]


def _cell(record: AccuracyRecord | None, name: str) -> str:
    if record is None:
        return _DASH
    value = figure_of(record, name)
    if name not in _SHARES:
        return f"{value:.3f}"
    return f"{_percent(value)} ({_ends(exact_interval(*count_of(record, name)))})"


def _times(rows: Sequence[LadderRow], ways: Sequence[str]) -> str:
    """Of one machine on one day; and the mode that Snag chose."""
    head = ["data", *(f"{way}: {what}" for way in ways for what in ("mode", "train min", "score ms"))]
    return table(head, ([row.known.title, *_taken(row, ways)] for row in rows))


def _taken(row: LadderRow, ways: Sequence[str]) -> list[str]:
    found = []
    for way in ways:
        record = row.cells.get(way)
        if record is None:
            found += [_DASH] * 3
            continue
        found.append(f"`{record.mode}`")
        found += [f"{figure_of(record, name):.1f}" for name in ("train_minutes", "score_ms")]
    return found


def _together(rows: Sequence[LadderRow], ways: Sequence[str]) -> str:
    head = ("false alarms together", "sets", "good", "told", "were to be expected", "found", "share", "95 %")
    lines: list[list[object]] = []
    for few, group in groupby(rows, lambda row: row.known.few):
        some = _alike(list(group), ways)
        for rows_of_way, way in [(measured, way) for measured, those in some if measured for way in those]:
            found = together(rows_of_way, way)
            lines.append(
                [
                    way if few is None else f"{way}, {few} good",
                    found.sets,
                    found.good,
                    _DASH if found.told is None else f"{100 * found.told:.2f} %",
                    _DASH if found.told is None else f"{found.told * found.good:.1f}",
                    found.alarms,
                    _percent(found.alarms / found.good),
                    _ends(found.interval),
                ]
            )
    return table(head, lines)


def _modes(records: Sequence[AccuracyRecord]) -> list[str]:
    """What another mode than the chosen one would have given: none where none was asked for."""
    titles = [_TITLES[name] for name in COMPARED]
    head = ["data", "preset", "mode chosen", *titles, "mode asked for", *titles]
    lines = [
        [
            known_set(chosen.data).marked,
            f"`{chosen.preset}`",
            *(text for one in (chosen, asked) for text in (f"`{one.mode}`", *(_cell(one, name) for name in COMPARED))),
        ]
        for chosen, asked in pairs_of(records)
    ]
    return [table(head, lines)] if lines else []


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _ends(interval: tuple[float, float]) -> str:
    return " to ".join(f"{100 * end:.1f}" for end in interval)
