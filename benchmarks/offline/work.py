"""What each engine is given to do; in a module of its own, so that its workers import it instead of getting a copy."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import torch

from snag.core.artifact import load_artifact
from snag.core.calibration import read_calibration
from snag.core.files import write_text
from snag.core.inspection import Row, RowInspector
from snag.core.serving import ServingSettings
from snag.core.telemetry import MetricsBuffer


def task(folder: str, number: int) -> int:
    """Score the pictures of one part with the server's inspector; a line in `tries` for each start, a file for each end."""
    place = Path(folder)
    with (place / "tries").open("a") as tries:
        tries.write(f"{number} {os.getpid()}\n")
    names = (place / "parts" / str(number)).read_text().split("\n")
    answers = [_inspector(folder).answer([Row({"body": Path(name).read_bytes()})])[0] for name in names]
    write_text(place / "done" / str(number), "\n".join(answer.body.decode() for answer in answers))
    return len(answers)


@lru_cache(maxsize=1)
def _inspector(folder: str) -> RowInspector:
    torch.set_num_threads(1)
    run = Path(folder) / "run"
    pair = load_artifact(run / "snag.pt"), read_calibration(run / "calibration.json")
    return RowInspector(*pair, ServingSettings(), "part", "1.0", MetricsBuffer(), print)
