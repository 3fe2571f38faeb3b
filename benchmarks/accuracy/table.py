"""Rows to a Markdown table: mean and standard deviation over the seeds."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from statistics import mean, pstdev

from benchmarks.accuracy.run import ResultLine

_COLUMNS = {
    "image AUROC": "image_auroc",
    "worst defect": "worst_defect",
    "pixel AP": "pixel_ap",
    "AUPRO@0.3": "aupro_30",
    "detected": "tpr",
    "false alarms": "fpr",
    "gain, offset": "gain",
    "gamma": "gamma",
    "shortcut": "shortcut",
    "train min": "train_minutes",
    "networks ms": "network_ms",
    "score ms": "score_ms",
}


def heading() -> str:
    """When and on what processor the table was made."""
    return f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}\n\n"


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} cores, {names[0]}" if names else platform.machine()


def markdown(rows: Sequence[ResultLine]) -> str:
    """One line for each data set and preset."""
    lines = [
        "| data | preset | mode | seeds | " + " | ".join(_COLUMNS) + " |",
        "|---" * (4 + len(_COLUMNS)) + "|",
    ]
    ordered = sorted(rows, key=lambda row: (row.data, row.preset, row.seed))
    for (data, preset), group in groupby(ordered, key=lambda row: (row.data, row.preset)):
        some = list(group)
        cells = [_cell([getattr(row, name) for row in some], name) for name in _COLUMNS.values()]
        lines.append(f"| {data} | {preset} | {some[0].mode} | {len(some)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(values: Sequence[float | None], name: str) -> str:
    numbers = [value for value in values if value is not None]
    if not numbers:
        return "-"
    digits = 1 if name.endswith(("minutes", "ms")) else 3
    spread = f" ± {pstdev(numbers):.{digits}f}" if len(numbers) > 1 else ""
    return f"{mean(numbers):.{digits}f}{spread}"
