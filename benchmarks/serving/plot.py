"""Times over throughput: one curve for each format, one point for each number of clients."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.serving.findings import Serving
from snag.core.files import write_bytes


def draw(found: Serving, path: Path) -> None:
    """Write an SVG."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for index, (form, limit) in enumerate(found.limits.items()):
        colour = f"C{index}"
        seen = [cell.figures for cell in found.cells if cell.form == form]
        speeds = [one.per_second for one in seen]
        axes.plot(speeds, [1e3 * one.p50 for one in seen], "o-", color=colour, label=f"{form}: p50")
        axes.plot(speeds, [1e3 * one.p99 for one in seen], "o:", color=colour, label=f"{form}: p99")
        axes.axvline(limit.per_second, color=colour, alpha=0.4, linewidth=1)
        for one in seen:
            axes.annotate(
                str(one.clients), (one.per_second, 1e3 * one.p50), fontsize=7, xytext=(3, -8), textcoords="offset points"
            )
    axes.set(xlabel="answers a second (upright lines: the limit without a server)", ylabel="time, ms", yscale="log")
    axes.set_xlim(left=0)
    axes.legend(fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    write_bytes(path, buffer.getvalue())
