"""The notebooks of tutorials: what is committed is what the page says, and a real kernel runs every cell of it in order."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from reference.notebooks import NOTEBOOKS, TUTORIALS, notebook


def commands(page: str) -> list[list[str]]:
    """Every line of a tutorial's commands, in words."""
    blocks = re.findall(r"^```bash\n(.*?)^```", page, re.M | re.S)
    return [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_is_committed_is_what_the_page_says(name: str) -> None:
    assert (TUTORIALS / f"{name}.ipynb").read_text(encoding="utf-8") == notebook(name), "run `python -m reference`"
    assert f"({name}.ipynb)" in (TUTORIALS / f"{name}.md").read_text()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_kernel_runs_every_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """In the checkout's folder, each command as the page has it. What make and curl do is other tests' business: here they are
    programs that write down how they were called."""
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient and ipykernel")
    pytest.importorskip("ipykernel", reason="needs nbclient and ipykernel")
    import nbformat

    checkout, programs = tmp_path / "checkout", tmp_path / "programs"
    checkout.mkdir()
    programs.mkdir()
    for program in ("make", "curl"):
        (programs / program).write_text(
            f'#!/bin/sh\nfor word in {program} "$@"; do printf "%s\\n" "$word"; done >> called\necho >> called\n'
        )
        (programs / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("SNAG_CHECKOUT", str(checkout))
    made = nbformat.reads(notebook(name), as_version=4)
    nbformat.validate(made)

    nbclient.NotebookClient(made, timeout=60).execute()

    called = [entry.split("\n") for entry in (checkout / "called").read_text().strip().split("\n\n")]
    assert called == commands((TUTORIALS / f"{name}.md").read_text())
    assert not [output for cell in made.cells if cell.cell_type == "code" for output in cell.outputs]
