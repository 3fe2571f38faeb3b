"""`python -m benchmarks.results`: the measured figures that documents quote, each in a file that says what made it.

`--keep runs/drift/table.md --name drift` keeps the table that a benchmark wrote as docs/results/drift.md. Then, and without
flags, every kept file is put anew into the documents that quote it, between a comment that names it and `<!-- end -->`. Nobody
types a figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import Field

from benchmarks.accuracy.record import read_records
from benchmarks.accuracy.table import long_table, short_table
from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadConfig
from snag.core.files import write_text

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "docs" / "results"
#: How a kept file begins: the command, the day, the revision.
ORIGIN: Final = re.compile(r"`(?:python -m|make) [^`]+`.*?, \d{4}-\d\d-\d\d, revision [0-9a-f]{7,}(?!-dirty)\b")
_QUOTED: Final = re.compile(r"<!-- (docs/results/[\w/.-]+\.md) -->\n(.*?)<!-- end -->\n", re.S)


def keep(table: Path, name: str) -> Path:
    """Keep a table that a benchmark wrote, or an accuracy record (JSON). Raises BadConfig for one that hides its origin."""
    text = table.read_text()
    if table.suffix == ".json":
        path = RESULTS / "accuracy" / f"{name}.json"
    elif ORIGIN.match(text):
        path = RESULTS / f"{name}.md"
    else:
        raise BadConfig(
            detail=f"{table} does not begin with the command, the day and the committed revision that made it; run it again"
        )
    write_text(path, text)
    return path


def quoted(document: str) -> str:
    """A document's text with every quotation made anew from its file."""

    def from_file(match: re.Match[str]) -> str:
        return f"<!-- {match[1]} -->\n{text_of(match[1])}<!-- end -->\n"

    return _QUOTED.sub(from_file, document)


def text_of(name: str) -> str:
    """What stands between a quotation's marks: the kept file, or a table of the accuracy records. Raises OSError."""
    records = read_records(RESULTS / "accuracy")
    tables = {"docs/results/accuracy.md": long_table, "docs/results/accuracy-short.md": short_table}
    return tables[name](records) if name in tables else (ROOT / name).read_text()


def documents() -> Iterator[Path]:
    """The documents that may quote."""
    for pattern in ("*.md", "docs/*.md", "deploy/*/*.md", "benchmarks/*.md"):
        yield from sorted(ROOT.glob(pattern))


def quote() -> None:
    """Make every quotation anew, and the accuracy tables."""
    for name in ("docs/results/accuracy.md", "docs/results/accuracy-short.md"):
        write_text(ROOT / name, text_of(name))
    for path in documents():
        text = path.read_text()
        if (anew := quoted(text)) != text:
            write_text(path, anew)
            print(path.relative_to(ROOT))


class ResultsSettings(Settings):
    """Keep a table that a benchmark wrote, where one is named, and quote all that are kept."""

    keep: Path | None = Field(None, description="table.md of a benchmark, or a record (JSON) of benchmarks.accuracy")
    name: str | None = Field(None, pattern=r"^[\w-]+$", description="what it is to be called below docs/results")


def results(settings: ResultsSettings) -> None:
    """Keep, then quote. Raises BadConfig for half of what keeping needs."""
    if (settings.keep is None) != (settings.name is None):
        raise BadConfig(detail="expected both --keep and --name, or neither")
    if settings.keep is not None and settings.name is not None:
        print(keep(settings.keep, settings.name))
    quote()


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: results(from_flags(ResultsSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
