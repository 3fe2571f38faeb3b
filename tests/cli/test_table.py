"""Tables for spreadsheets: letters come out right, and a text is never a formula."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.cli.table import csv_table


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.encode().decode("utf-8-sig"), newline="")))


def test_excel_sees_utf_8() -> None:
    """By the byte order mark at the very beginning."""
    assert csv_table(["name"], [["größe"]]).encode() == b"\xef\xbb\xbfname\ngr\xc3\xb6\xc3\x9fe\n"


@pytest.mark.parametrize("name", ["=1+1.png", "+x", "-x", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x","y")'])
def test_a_text_like_a_formula_is_text(name: str) -> None:
    """It gets an apostrophe before it, as OWASP advises; numbers stay numbers, negative ones too."""
    assert read(csv_table(["name", "score", "none"], [[name, -1.5, None]])) == [
        ["name", "score", "none"],
        [f"'{name}", "-1.5", ""],
    ]


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2), max_size=5))
def test_every_text_comes_back(rows: list[list[str]]) -> None:
    """But for that apostrophe, whatever it holds."""
    found = read(csv_table(["a", "b"], rows))

    assert [[cell.removeprefix("'") for cell in row] for row in found[1:]] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in found for cell in row)
