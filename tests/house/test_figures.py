"""Every measured figure of a document stands in a file that a command wrote, with its day and revision; nobody types one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.accuracy.record import read_records
from benchmarks.results import ORIGIN, RESULTS, ROOT, documents, keep, quote, quoted, text_of
from snag.core.errors import BadConfig

DOCUMENTS = [path.relative_to(ROOT).as_posix() for path in documents()]
#: What only a measurement gives: areas of three decimals, a spread, times, requests, memory, parts of a file's table.
MEASURED = re.compile(
    r"(?<![\w.`])(?:0\.\d{3}|1\.000)(?![\d`])|\d ± \d|\d(?:\.\d+)? (?:ms|req/s|requests a second|core-hours)\b"
    r"|\d(?:\.\d+)? times (?:faster|slower|as fast|the throughput)|\d % (?:are |were |was |is )?(?:detected|missed|noticed)"
)


def prose(text: str) -> str:
    """A document without what it quotes from files and without code."""
    text = re.sub(r"<!-- docs/results/.*?<!-- end -->", "", text, flags=re.S)
    return re.sub(r"^```.*?^```|`[^`\n]+`", "", text, flags=re.M | re.S)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_quotation_is_what_its_file_holds(document: str) -> None:
    text = (ROOT / document).read_text()

    assert quoted(text) == text, "run `python -m benchmarks.results`"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_measured_figure_stands_outside_of_a_quotation(document: str) -> None:
    found = [match[0] for match in MEASURED.finditer(prose((ROOT / document).read_text()))]

    assert found == []


def test_every_kept_table_says_which_command_made_it_when_and_at_which_revision() -> None:
    nameless = [path.name for path in sorted(RESULTS.glob("*.md")) if not path.name.startswith("accuracy")]

    assert nameless
    assert [name for name in nameless if not ORIGIN.match((RESULTS / name).read_text())] == []


def test_every_kept_table_is_quoted_somewhere() -> None:
    text = "".join((ROOT / document).read_text() for document in DOCUMENTS)

    assert [path.name for path in sorted(RESULTS.glob("*.md")) if f"<!-- docs/results/{path.name} -->" not in text] == []


def test_every_row_of_the_accuracy_tables_names_its_command_its_day_and_its_revision() -> None:
    records = read_records(RESULTS / "accuracy")

    assert records
    for one in records:
        assert ORIGIN.match(f"`{one.command}`, {one.date}, revision {one.revision}"), one


def test_the_rows_of_sets_that_chose_settings_carry_a_mark() -> None:
    rows = [line for line in text_of("docs/results/accuracy.md").splitlines() if line.startswith("| ")]

    marked = {line.split("|")[1].strip().endswith("\\*") for line in rows if "`screw`" in line or "magnetic" in line}
    assert marked == {True}
    assert [line for line in rows if "polycrystalline" in line and "\\*" in line] == []


def test_a_document_whose_file_is_missing_is_refused() -> None:
    with pytest.raises(OSError, match="never_measured"):
        quoted("<!-- docs/results/never_measured.md -->\n0.999\n<!-- end -->\n")


def test_a_typed_figure_is_found() -> None:
    assert MEASURED.search(prose("The area is 0.994 on screws."))
    assert MEASURED.search(prose("It takes 12.5 ms a picture."))
    assert not MEASURED.search(prose("A rate of 5 %, with 95 % confidence: `0.05`, 0.95 or 1/20."))


def test_a_table_that_hides_its_origin_is_not_kept(tmp_path: Path) -> None:
    table = tmp_path / "table.md"
    table.write_text("| a |\n")

    with pytest.raises(BadConfig, match="does not begin with the command"):
        keep(table, "x")


def test_documents_are_quoted_anew_without_a_change(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written: list[Path] = []
    monkeypatch.setattr("benchmarks.results.write_text", lambda path, text: written.append(path))

    quote()

    assert [path for path in written if path.parent != RESULTS] == []
