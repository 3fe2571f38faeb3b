"""Lists of pictures that people write, as text or as CSV out of a spreadsheet: which picture each line means."""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from snag.core.errors import BadConfig, BadDataset
from snag.core.file_names import original
from snag.core.group import is_group

#: What separates columns: comma, or as spreadsheets write it in Europe and when text is copied out of them.
_SEPARATORS: Final = (",", ";", "\t", "|")
_EXPECTED: Final = "expected a CSV with the columns path and {}, separated by commas, semicolons or tabs"


@dataclass(frozen=True)
class ListedGroups:
    """What a list says of some pictures."""

    of: list[str | None]  #: the group of each picture, None where the list does not name it
    lines: int
    absent: list[str]  #: paths, as listed, where there is no picture at all

    def remarks(self, listed: Path, what: str) -> list[str]:
        """A sentence for each thing that does not fit; `what` is said of the pictures, as in "test"."""
        said = []
        if self.absent:
            said.append(
                f"{listed.name} names {len(self.absent)} of {self.lines} pictures that are not there: {_few(self.absent)}."
            )
        named = sum(group is not None for group in self.of)
        if named < len(self.of):
            others = "the others are" if named else "they are all"
            said.append(
                f"{listed.name} names {named or 'none'} of {len(self.of)} {what} pictures; {others} in no group and go by the "
                "pooled threshold."
            )
        return said


def read_groups(listed: Path, pictures: Sequence[Path], root: Path) -> ListedGroups:
    """The group that the CSV `listed` (columns path, group) names for each picture; paths are relative to `root`.

    Raises BadConfig for a file that can't be read, BadDataset for one that is no such table, or has an empty cell, a name that
    no group may have, a picture in two groups, or not one picture that is there.
    """
    found = read_column(listed, "group", pictures, root)
    for group in filter(None, found.of):
        if not is_group(group):
            raise BadDataset(
                detail=f"{listed}: a group is called {group!r}; expected up to 64 printable characters, not 'pooled' or 'rest'"
            )
    return found


def read_column(listed: Path, column: str, pictures: Sequence[Path], root: Path) -> ListedGroups:
    """What the CSV `listed` with the columns path and `column` says of each picture. Raises the same, but for names."""
    rows = _rows(listed, ("path", column))
    index = PictureIndex(pictures, root)
    of: list[str | None] = [None] * len(pictures)
    absent = []
    for name, said in rows:
        place = index.place(name)
        if place is not None:
            if of[place] not in (None, said):
                raise BadDataset(detail=f"{listed}: {name} is in two {column}s, {of[place]} and {said}; expected one")
            of[place] = said
        elif not index.is_there(name):
            absent.append(name)
    if len(absent) == len(rows):
        first = f": {_few(absent)}" if absent else ""
        raise BadDataset(detail=f"{listed} names no picture that is there{first}; expected paths below {root}")
    return ListedGroups(of, len(rows), absent)


def read_lines(listed: Path) -> list[str]:
    """The paths in a text file, one a line, in quotes or not. Raises BadConfig."""
    text = _text(listed, "expected a text file, a calibration picture's path in each line")
    return [path for line in text.splitlines() if (path := line.strip().strip('"'))]


class PictureIndex:
    """Finds pictures by how people write their paths: from `root`, from here or whole; with / or \\; letters composed or not.

    One picture may stand under several of these names.
    """

    def __init__(self, pictures: Iterable[Path], root: Path) -> None:
        self._root = root
        self._places = {key: place for place, path in enumerate(pictures) for key in (_key(path), _key(path.resolve()))}

    def place(self, name: str) -> int | None:
        """Which of the pictures is meant, None where it is none of them."""
        return next((self._places[key] for path in self._readings(name) if (key := _key(path)) in self._places), None)

    def is_there(self, name: str) -> bool:
        """Whether there is a file of that name, be it one of the pictures or not."""
        forms = {unicodedata.normalize(form, str(path)) for path in self._readings(name) for form in ("NFC", "NFD")}
        return any(_is_file(Path(form)) for form in forms)

    def _readings(self, name: str) -> Iterator[Path]:
        for spelling in dict.fromkeys((name, original(name), name.replace("\\", "/"))):
            yield self._root / spelling
            yield Path(spelling)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long
        return False


def _key(path: Path) -> str:
    """Equal for equal files, however their names are written; a name that is no UTF-8 is read as Latin-1."""
    whole = os.path.abspath(path)  # noqa: PTH100 - ".." goes, links stay
    try:
        whole.encode()
    except UnicodeEncodeError:
        whole = os.fsencode(whole).decode("latin-1")
    return unicodedata.normalize("NFC", whole)


def _rows(listed: Path, columns: tuple[str, str]) -> list[tuple[str, str]]:
    """Both cells of each line."""
    expected = _EXPECTED.format(columns[1])
    lines = [line for line in _text(listed, expected).splitlines() if line.strip()]
    if lines and lines[0].strip().strip('"').lower().startswith("sep="):
        lines = lines[1:]
    for separator in _SEPARATORS:
        try:
            table = list(csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=separator, skipinitialspace=True))
        except csv.Error as error:
            raise BadConfig(detail=f"{listed}: {error}; {expected}") from error
        header = [cell.strip().casefold() for cell in table[0]] if table else []
        if set(columns) <= set(header):
            return _cells(table[1:], [header.index(column) for column in columns], listed, columns[1])
    said = f": its first line is {lines[0][:80]!r}" if lines else " is empty"
    raise BadDataset(detail=f"{listed}{said}; {expected}")


def _cells(table: Iterable[list[str]], places: list[int], listed: Path, column: str) -> list[tuple[str, str]]:
    rows = []
    for line in table:
        cells = [cell.strip() for cell in line]
        if not any(cells):
            continue
        path, said = (cells[place] if place < len(cells) else "" for place in places)
        if not (path and said):
            raise BadDataset(
                detail=f"{listed}: a line says {', '.join(cells)[:80]!r}; expected both path and {column} in every line"
            )
        rows.append((path, said))
    return rows


def _text(listed: Path, expected: str) -> str:
    """The file's text: UTF-8 or UTF-16 by its byte order mark, else UTF-8, else as Windows writes it in the West."""
    try:
        data = listed.read_bytes()
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        if b"\0" in data:
            raise BadConfig(detail=f"{listed}: it holds bytes that are no text; {expected}")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("cp1252", errors="replace")
    except (OSError, ValueError) as error:
        raise BadConfig(detail=f"{listed}: {error}; {expected}") from error


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown}, …"
