"""Tables that people open in a spreadsheet: CSV whose letters come out right and whose texts stay texts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

#: A spreadsheet takes UTF-8 for something else without it.
_BYTE_ORDER_MARK: Final = "\ufeff"
#: What a cell begins with that a spreadsheet takes for a formula (OWASP, CSV injection), the last four in full width.
_FORMULA: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def csv_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The file's text; to be read as "utf-8-sig". None is an empty cell; a text like a formula gets an apostrophe before it."""
    return _BYTE_ORDER_MARK + "".join(map(csv_line, [columns, *rows]))


def csv_line(cells: Sequence[object]) -> str:
    """One further row of such a file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_cell(cell) for cell in cells])  # it quotes what its end of a line holds
    return text.getvalue().removesuffix("\r\n") + "\n"


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
