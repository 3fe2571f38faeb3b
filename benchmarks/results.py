"""Results: measured tables that documents quote, each in a file under docs/results that says what made it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.tables import machine
from snag.core.files import write_text

RESULTS: Final = Path(__file__).parents[1] / "docs" / "results"


def write(name: str, text: str, command: str) -> Path:
    """Keep what `command` measured as docs/results/`name`.md, headed by command, day, revision and machine."""
    path = RESULTS / f"{name}.md"
    write_text(path, f"`{command}`, {machine()}\n{text}")
    return path
