"""Notebooks of tutorials: the page's own words and commands, cell by cell, so that there is one source of both."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

TUTORIALS: Final = Path(__file__).parents[1] / "docs" / "tutorials"
#: Pages that have a notebook; each names it.
NOTEBOOKS: Final = ("first-verdict", "audit")
_BLOCK: Final = re.compile(r"^```(bash|python)\n(.*?)^```$", re.M | re.S)
_FOLDER: Final = (
    "import os\n\nos.chdir(os.environ.get('SNAG_CHECKOUT', '../..'))  # the commands stand for the checkout's own folder"
)


def notebook(name: str) -> str:
    """The notebook of a tutorial, in Jupyter's format 4.5; equal pages give equal bytes."""
    text = (TUTORIALS / f"{name}.md").read_text(encoding="utf-8")
    cells, at = [_cell(0, "code", _FOLDER)], 0
    for block in _BLOCK.finditer(text):
        cells.append(_cell(len(cells), "markdown", text[at : block.start()]))
        magic = "%%bash\n" if block[1] == "bash" else ""
        cells.append(_cell(len(cells), "code", magic + block[2]))
        at = block.end()
    cells.append(_cell(len(cells), "markdown", text[at:]))
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    whole = {"cells": [cell for cell in cells if cell["source"]], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _cell(number: int, kind: str, text: str) -> dict[str, Any]:
    own: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text.strip("\n").splitlines(True), **own}
