"""A run's loss curves: TensorBoard events while it runs, one PNG to look at."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from snag.files import write_atomically

matplotlib.use("Agg")


def draw_curves(history: dict[str, list[float]], path: Path) -> None:
    """Draw the mean loss of each epoch for each name in `history`, logarithmic, and write a PNG atomically."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, values in history.items():
        axes.plot(range(1, len(values) + 1), values, label=name)
    axes.set(xlabel="epoch", ylabel="loss", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    write_atomically(path, lambda temporary: figure.savefig(temporary, format="png", dpi=120))
