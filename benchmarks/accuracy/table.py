"""Records to Markdown tables: one row for each preset and data set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from benchmarks.accuracy.record import AccuracyRecord
from benchmarks.accuracy.sets import MARK, known_set
from benchmarks.tables import table

_FIGURES: Final = {
    "image AUROC": "image_auroc",
    "worst kind": "worst_defect",
    "AUPRO@0.3": "aupro_30",
    "pixel AP": "pixel_ap",
    "detected": "tpr",
    "false alarms": "fpr",
    "gain, offset": "gain",
    "gamma": "gamma",
    "shortcut": "shortcut",
    "train min": "train_minutes",
    "networks ms": "network_ms",
    "score ms": "score_ms",
}
_SHORT: Final = ("image AUROC", "worst kind", "AUPRO@0.3", "pixel AP", "detected", "false alarms")
_TIMES: Final = ("train min", "networks ms", "score ms")  #: of one machine on one day
_SHARES: Final = ("tpr", "fpr")
_MEANS: Final = f"{MARK.strip()} Settings were chosen by looking at this set, so its row is no test"


def markdown(records: Sequence[AccuracyRecord]) -> str:
    """Every figure, times included."""
    head = ["data", "preset", "mode", "seeds", *_FIGURES, "told"]
    return table(head, ([one.data, one.preset, one.mode, one.seeds, *_cells(one, _FIGURES), _told(one)] for one in records))


def short_table(records: Sequence[AccuracyRecord]) -> str:
    """What a reader of the README wants to know: `default` and `quick` on every set that they were measured on."""
    head = ["data", "preset", "good, bad", *_SHORT, "told", "measured"]
    rows = (
        [
            known_set(one.data).marked,
            f"`{one.preset}`",
            f"{one.good}, {one.bad}",
            *_cells(one, _SHORT),
            _told(one),
            f"`{one.revision}`",
        ]
        for one in records
        if one.preset in ("default", "quick")
    )
    return f"{table(head, rows)}\n{_MEANS}.\n"


def long_table(records: Sequence[AccuracyRecord]) -> str:
    """Every record, without times; and what the mark means for each set."""
    figures = [name for name in _FIGURES if name not in _TIMES]
    head = ["data", "preset", "mode", "seeds", "good, bad", *figures, "told", "measured"]
    rows = [
        [
            known_set(one.data).marked,
            f"`{one.preset}`",
            f"`{one.mode}`",
            one.seeds,
            f"{one.good}, {one.bad}",
            *_cells(one, figures),
            _told(one),
            f"{one.date}, `{one.revision}`",
        ]
        for one in records
    ]
    commands = sorted({f"- `{one.command}`" for one in records})
    return table(head, rows) + "\n" + marks_of(records) + "\nEach row by its command:\n\n" + "\n".join(commands) + "\n"


def _told(record: AccuracyRecord) -> str:
    return "-" if record.told is None else f"{100 * record.told:.2f} %"


def marks_of(records: Sequence[AccuracyRecord]) -> str:
    """What the mark means for each set that has it."""
    known = {record.data: known_set(record.data) for record in records}
    return f"{_MEANS}:\n\n" + "\n".join(f"- {one.title}: {one.say}" for one in known.values() if one.say) + "\n"


def _cells(record: AccuracyRecord, names: Iterable[str]) -> list[str]:
    return [_cell(record.figures[_FIGURES[name]], _FIGURES[name]) for name in names]


def _cell(figure: Sequence[float | None] | None, name: str) -> str:
    if figure is None or (middle := figure[0]) is None:
        return "-"
    spread = figure[1]
    if name in _SHARES:
        return f"{100 * middle:.1f} %" + (f" ± {100 * spread:.1f}" if spread is not None else "")
    digits = 1 if name.endswith(("minutes", "ms")) else 3
    return f"{middle:.{digits}f}" + (f" ± {spread:.{digits}f}" if spread is not None else "")
