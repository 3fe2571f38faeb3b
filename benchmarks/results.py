"""`python -m benchmarks.results`: the measured figures that documents quote, each in a file that says what made it.

`--keep runs/drift/table.md --name drift` keeps the table that a benchmark wrote as docs/results/drift.md, `--keep runs/real`
all accuracy records of a folder, each by its data set and preset. Then, and without flags, every kept file is put anew into the
documents that quote it, between a comment that names it and `<!-- end -->`. Nobody types a figure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from pydantic import Field

from benchmarks.accuracy.record import AccuracyRecord, read_record, read_records, write_record
from benchmarks.accuracy.sets import known_set
from benchmarks.accuracy.table import long_table, short_table
from benchmarks.real.rows import CONTROL, IN_MODE
from benchmarks.real.table import kept_ladder
from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadConfig
from snag.core.files import write_text

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "docs" / "results"
#: How a kept file begins: the command, the day, the revision.
ORIGIN: Final = re.compile(r"`(?:python -m|make) [^`]+`.*?, \d{4}-\d\d-\d\d, revision [0-9a-f]{7,}(?!-dirty)\b")
#: Tables that are made of the accuracy records: of all, of the preset default alone, and of those of benchmarks.real.
LADDER: Final = "docs/results/accuracy-real.md"
TABLES: Final[dict[str, Callable[[Sequence[AccuracyRecord]], str]]] = {
    "docs/results/accuracy.md": long_table,
    "docs/results/accuracy-short.md": short_table,
    LADDER: kept_ladder,
}
_QUOTED: Final = re.compile(r"<!-- (docs/results/[\w/.-]+\.md) -->\n(.*?)<!-- end -->\n", re.S)


def keep(table: Path, name: str) -> Path:
    """Keep a table that a benchmark wrote, or an accuracy record (JSON). Raises BadConfig for one that hides its origin."""
    text = table.read_text()
    if table.suffix == ".json" and _says_its_origin(read_record(table)):
        path = RESULTS / "accuracy" / f"{name}.json"
    elif ORIGIN.match(text):
        path = RESULTS / f"{name}.md"
    else:
        raise BadConfig(
            detail=f"{table} does not begin with the command, the day and the committed revision that made it; run it again"
        )
    write_text(path, text)
    return path


def keep_records(folder: Path) -> list[Path]:
    """Keep every accuracy record of a folder, or none. Raises BadConfig where there is none, or one hides its origin."""
    records = read_records(folder)
    hidden = sorted(f"{one.data}, {one.preset}" for one in records if not _says_its_origin(one))
    if hidden or not records:
        raise BadConfig(
            detail=f"{folder} holds {len(records)} records, of which do not name a committed revision: "
            f"{'; '.join(hidden) or 'none'}; expected records that benchmarks.accuracy or benchmarks.real wrote"
        )
    if len({(one.data, one.preset) for one in records}) < len(records):
        raise BadConfig(detail=f"{folder} holds several records of one data set and preset: expected those of one seed")
    paths = [RESULTS / "accuracy" / f"{one.data}-{one.preset}.json" for one in records]
    for record, path in zip(records, paths, strict=True):
        write_record(record, path)
    return paths


def _says_its_origin(record: AccuracyRecord) -> bool:
    return ORIGIN.match(f"`{record.command}`, {record.date}, revision {record.revision}") is not None


def quoted(document: str) -> str:
    """A document's text with every quotation made anew from its file."""

    def from_file(match: re.Match[str]) -> str:
        return f"<!-- {match[1]} -->\n{text_of(match[1])}<!-- end -->\n"

    return _QUOTED.sub(from_file, document)


def text_of(name: str) -> str:
    """What stands between a quotation's marks: the kept file, or a table of the accuracy records. Raises OSError."""
    if name not in TABLES:
        return (ROOT / name).read_text()
    records = [one for one in read_records(RESULTS / "accuracy") if _belongs(one, name)]
    return TABLES[name](records) if records else ""


def _belongs(record: AccuracyRecord, table: str) -> bool:
    """The ladder has what benchmarks.real measured; the others are of Snag alone, in its own mode, with all good pictures."""
    if table == LADDER:
        return record.command.startswith("python -m benchmarks.real ")
    return not record.preset.startswith(CONTROL) and IN_MODE not in record.preset and known_set(record.data).few is None


def documents() -> Iterator[Path]:
    """The documents that may quote."""
    for pattern in ("*.md", "docs/**/*.md", "deploy/*/*.md", "benchmarks/*.md"):
        yield from sorted(path for path in ROOT.glob(pattern) if RESULTS not in path.parents)


def quote() -> None:
    """Make every quotation anew, and the tables of the accuracy records."""
    for name in TABLES:
        if text := text_of(name):
            write_text(ROOT / name, text)
    for path in documents():
        text = path.read_text()
        if (anew := quoted(text)) != text:
            write_text(path, anew)
            print(path.relative_to(ROOT))


class ResultsSettings(Settings):
    """Keep a table that a benchmark wrote, where one is named, and quote all that are kept."""

    keep: Path | None = Field(None, description="table.md of a benchmark, an accuracy record (JSON), or a folder of these")
    name: str | None = Field(None, pattern=r"^[\w-]+$", description="what it is to be called below docs/results; no folder")


def results(settings: ResultsSettings) -> None:
    """Keep, then quote. Raises BadConfig for half of what keeping needs."""
    if settings.keep is not None and settings.keep.is_dir():
        if settings.name is not None:
            raise BadConfig(detail="the records of a folder have their names: expected no --name")
        print(*keep_records(settings.keep), sep="\n")
        quote()
        return
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
