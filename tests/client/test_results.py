"""The table of verdicts, as a spreadsheet reads it."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

from snag.client.results import csv_text, failed, judged
from snag.core.errors import BrokenPicture, PictureTooLarge
from snag.core.verdict import Verdict
from snag.core.wire import error_json, parse_error


def test_names_in_a_spreadsheet() -> None:
    """Umlauts are seen as such, and a name that looks like a formula is none; numbers are numbers."""
    verdict = Verdict(False, 0.25, 0.5, 0.75, 0.125)
    text = csv_text([judged(Path("=1+1.png"), verdict), failed(Path("größe.png"), BrokenPicture(detail="it ends early"))])

    rows = list(csv.DictReader(text.encode().decode("utf-8-sig").splitlines()))
    assert text.encode().startswith(b"\xef\xbb\xbf")
    assert [(row["picture"], row["score"], row["error"]) for row in rows] == [
        ("'=1+1.png", "0.25", ""),
        ("größe.png", "", "broken_picture"),
    ]


def test_too_large_is_a_row() -> None:
    """The server's 413 for too many pixels comes back as PictureTooLarge."""
    error = PictureTooLarge(width=9, height=9, limit=1, max_side=1)

    assert str(parse_error(error_json(error))) == str(error)


def test_torch_is_never_loaded() -> None:
    """The client starts without torch."""
    program = "import sys, snag.client.__main__; print('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"
