"""Markdown: plain text, tables and code, as the pages of the reference have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

_SPECIAL: Final = re.compile(r"([*|\[\]])")


def page(title: str, lead: str, *sections: str) -> str:
    """A whole page: its title, a lead, and sections, with the remark that nobody need mend it by hand."""
    remark = "<!-- Written by `python -m reference`; a test compares it with the code. -->"
    return "\n\n".join([f"# {title}", lead, *(section for section in sections if section), remark]) + "\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already; nothing where there are no rows."""
    lines = ["| " + " | ".join(cell.replace("\n", " ") for cell in row) + " |" for row in rows]
    head = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    return "\n".join([*head, *lines]) if lines else ""


def code(text: str) -> str:
    """Text as code, in a cell too."""
    fence = "``" if "`" in text else "`"
    inside = f" {text} " if text.startswith("`") or text.endswith("`") else text
    return f"{fence}{inside}{fence}".replace("|", r"\|")


def codes(texts: Iterable[str]) -> str:
    """Several, separated by commas."""
    return ", ".join(map(code, texts))


def prose(text: str) -> str:
    """A sentence as it is read: what Markdown would take for a sign of its own is escaped, but code in backticks stays."""
    pieces = text.split("`")
    return "`".join(piece.replace("|", r"\|") if at % 2 else _text(piece) for at, piece in enumerate(pieces))


def _text(piece: str) -> str:
    return _SPECIAL.sub(r"\\\1", piece.replace("&", "&amp;").replace("<", "&lt;"))  # not every Markdown knows \<


def capital(text: str) -> str:
    """The text as a sentence: with a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
