"""The curves of a long run: memory of each process, and answering times, over the minutes."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.soak.trend import Soak, percentiles
from snag.core.files import write_bytes


def draw(soak: Soak, path: Path) -> None:
    """Write an SVG."""
    figure = Figure(figsize=(9, 6), layout="constrained")
    memory, times = figure.subplots(2, 1, sharex=True)
    kinds = {one.pid: one.kind for look in soak.looks for one in look.usage}
    for pid, kind in kinds.items():
        seen = [(look.at / 60, one.pss / 2**20) for look in soak.looks for one in look.usage if one.pid == pid]
        memory.plot(*zip(*seen, strict=True), label=kind)
    memory.set(ylabel="memory (PSS), MB", ylim=(0, None))
    memory.legend(loc="lower right")
    stretches = percentiles(soak.samples, max(1.0, soak.seconds / 120))
    for index, label in ((1, "p50"), (2, "p99")):
        times.plot([one[0] / 60 for one in stretches], [one[index] for one in stretches], label=label)
    times.set(ylabel="answer, ms", xlabel="minutes", yscale="log")
    times.legend(loc="upper right")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    write_bytes(path, buffer.getvalue())
