"""The table of verdicts, as a spreadsheet reads it."""

from __future__ import annotations

import csv
from pathlib import Path

from snag.client.results import csv_text, failed, judged
from snag.core.errors import BrokenPicture
from snag.core.verdict import Verdict


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
