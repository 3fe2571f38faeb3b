"""The plot of the shift table: for each shift a panel, false alarms and detections against its amount."""

from __future__ import annotations

from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from snag.evaluation.promise import Promise
from snag.evaluation.shift_table import ShiftOutcome, ShiftTable
from snag.evaluation.shifts import SHIFTS
from snag.pages.plots import BAD, GOOD, GRID, INK, MUTED, STYLE, svg

_COLUMNS: Final = 5
_DASHED: Final = (0, (3, 2))


def shift_plot(table: ShiftTable, promise: Promise | None) -> str:
    """All shifts as one SVG. Band: how many false alarms do not refute the promise among so many good pictures."""
    with mpl.rc_context(STYLE):
        rows = -(-len(SHIFTS) // _COLUMNS)
        figure = Figure((10.4, 2.1 * rows))
        figure.subplots_adjust(left=0.035, right=0.985, top=0.93, bottom=0.07, hspace=0.42, wspace=0.16)
        for axes, (name, shift) in zip(figure.subplots(rows, _COLUMNS, sharey=True).flat, SHIFTS.items(), strict=False):
            cells = [(row.amount, row.on, row.off) for row in table.of(name)]
            cells.append((shift.neutral, table.as_taken, table.as_taken if any(off for *_, off in cells) else None))
            _panel(axes, shift.title, sorted(cells, key=lambda cell: cell[0]))
            if promise is not None:
                axes.axhspan(0, _band(table.good, promise), color=GRID, zorder=0)
        return svg(figure, "shifts")


def _panel(axes: Axes, title: str, cells: list[tuple[float, ShiftOutcome, ShiftOutcome | None]]) -> None:
    on = [(amount, outcome) for amount, outcome, _ in cells]
    off = [(amount, outcome) for amount, _, outcome in cells if outcome is not None]
    for outcomes, dashes in ((off, _DASHED), (on, "-")):
        amounts = [amount for amount, _ in outcomes]
        for values, colour in (
            ([outcome.tpr for _, outcome in outcomes], BAD),
            ([outcome.fpr for _, outcome in outcomes], GOOD),
        ):
            known = np.array([np.nan if value is None else value for value in values])
            axes.plot(amounts, known, color=colour, linestyle=dashes, linewidth=1.6, marker="o", markersize=2.5, clip_on=False)
    aurocs = np.array([np.nan if outcome.auroc.value is None else outcome.auroc.value for _, outcome in on])
    axes.plot([amount for amount, _ in on], aurocs, color=MUTED, linewidth=0.9)
    axes.set(ylim=(0, 1.005), yticks=(0, 0.5, 1), xticks=[on[0][0], on[-1][0]])
    axes.set_title(title, fontsize=9, color=INK, loc="left")
    axes.grid(visible=False, axis="x")


def _band(good: int, promise: Promise) -> float:
    """Greatest share of false alarms that does not refute the promise."""
    if not good:
        return 0.0
    return max(count for count in range(good + 1) if not promise.is_refuted(count, good)) / good
