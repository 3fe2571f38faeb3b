"""The table of `make models`: whole on a narrow terminal, in a file and in a pipe."""

from __future__ import annotations

import io
import re

import pytest
from rich import console

from snag.server import models
from snag.server.models import ModelRow

REASON = "[Errno 28] no space left on the device; " + "the worker's last words were many, " * 12 + "and this was the end"
LONG, DIGEST = "a-model-with-a-rather-long-name", "0123456789abcdef"
ROWS = [
    ModelRow(LONG, "2026.11.24-12", "previous", 28.245981, "2026-11-24T08:00", DIGEST, 2, 12, "ready"),
    ModelRow("other", "", "failed", None, "", "", 0, 0, REASON),
]


def test_in_a_file_each_row_is_one_line(capsys, monkeypatch):
    """However many columns the environment says, and however long a reason is."""
    monkeypatch.setenv("COLUMNS", "40")

    models.print_rows(ROWS)

    lines = capsys.readouterr().out.splitlines()
    assert sum(LONG in line and "28.25" in line and DIGEST[:12] in line for line in lines) == 1
    assert sum(REASON in line for line in lines) == 1
    assert "2 of 12" in "".join(lines)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_on_a_terminal_lines_are_folded(columns, monkeypatch):
    """No line is longer than the terminal, no letter is lost, and no three dots stand for some."""
    shown = io.StringIO()
    terminal = console.Console(file=shown, force_terminal=True, width=columns, color_system=None)
    monkeypatch.setattr(models, "Console", lambda: terminal)

    models.print_rows(ROWS)

    lines = shown.getvalue().splitlines()
    assert max(map(len, lines)) <= columns
    assert "…" not in shown.getvalue()
    cells = [[cell.strip() for cell in re.split("[│┃]", line)[1:-1]] for line in lines if line.startswith(("│", "┃"))]
    together = ["".join(column).replace(" ", "") for column in zip(*cells, strict=True)]
    assert f"{LONG}other" in together[0]
    assert "2026.11.24-12" in together[1]
    assert DIGEST[:12] in together[5]
    assert REASON.replace(" ", "") in together[7]
