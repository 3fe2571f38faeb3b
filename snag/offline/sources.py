"""Sources of pictures: a folder, a glob pattern, an uncompressed tar, or a text file that lists paths."""

from __future__ import annotations

import glob
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from snag.core.errors import BadDataset, UnreadableFile
from snag.core.picture import SUFFIXES

#: Larger files are not read into memory; no picture within the decoder's limits comes near it.
MAX_BYTES: Final = 1 << 30
_COMPRESSED: Final = {".tgz": "gzip -d", ".gz": "gzip -d", ".xz": "xz -d", ".bz2": "bzip2 -d", ".zst": "zstd -d"}
_WILD: Final = frozenset("*?[")


@dataclass(frozen=True)
class Entry:
    """One picture of a source: what it is called in the results, and where its bytes lie."""

    name: str  #: unique within the source; forward slashes; always valid UTF-8
    path: str  #: the file, or the tar that it lies in; as the system spells it
    offset: int  #: where its bytes begin in `path`
    size: int  #: how many there are
    modified: int  #: time stamp of `path` or of the member; nanoseconds, seconds in a tar; -1: there is no such file


def entries(source: str) -> Iterator[Entry]:
    """Every picture of the source, in no particular order. Raises BadDataset for what is none of the four kinds."""
    path = Path(source)
    if path.is_dir():
        return _of_folder(path)
    if path.is_file():
        kind = path.suffix.lower()
        if kind in _COMPRESSED:
            raise BadDataset(detail=f"{path} is compressed, and can't be read in parts; `{_COMPRESSED[kind]}` it first")
        return _of_tar(path) if kind == ".tar" else _of_list(path)
    if _WILD & set(source):
        return _of_pattern(source)
    raise BadDataset(detail=f"{source} is not there; expected a folder, a glob in quotes, a .tar or a text file of paths")


def read(entry: Entry) -> bytes:
    """The picture's bytes. Raises UnreadableFile."""
    if entry.size > MAX_BYTES:
        raise UnreadableFile(path=entry.name, detail=f"it has {entry.size} bytes, at most {MAX_BYTES} are read")
    try:
        with Path(entry.path).open("rb") as file:
            file.seek(entry.offset)
            data = file.read(entry.size)
    except OSError as error:
        raise UnreadableFile(path=entry.name, detail=error.strerror) from error
    if len(data) != entry.size:
        raise UnreadableFile(path=entry.name, detail=f"{len(data)} bytes of {entry.size} are there")
    return data


def _of_folder(folder: Path) -> Iterator[Entry]:
    # os.walk holds one folder's names at a time; rglob would sort out links that lead back up on its own terms.
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in names:
            path = Path(place, name)
            if _is_picture(name):
                yield _of_file(path, path.relative_to(folder).as_posix())


def _of_pattern(pattern: str) -> Iterator[Entry]:
    for found in glob.iglob(pattern, recursive=True):  # noqa: PTH207  # takes absolute patterns as well
        if _is_picture(found) and Path(found).is_file():
            yield _of_file(Path(found), Path(found).as_posix())


def _of_list(listing: Path) -> Iterator[Entry]:
    """Paths are relative to the list's folder; a listed file that is not there is an entry too, and refused when it is read."""
    try:
        with listing.open(encoding="utf-8") as lines:
            for line in lines:
                if name := line.rstrip("\r\n"):
                    yield _of_file(listing.parent / name, name)
    except UnicodeDecodeError as error:
        raise BadDataset(
            detail=f"{listing} is not text; expected one path a line, or a file whose name ends in .tar"
        ) from error


def _of_tar(archive: Path) -> Iterator[Entry]:
    try:
        with tarfile.open(archive, "r:") as members:
            for member in members:
                members.members = []  # type: ignore[attr-defined]  # tarfile would remember each of millions
                if member.isreg() and _is_picture(member.name) and not member.issparse():
                    yield Entry(_utf8(member.name), str(archive), member.offset_data, member.size, int(member.mtime))
    except tarfile.TarError as error:
        raise BadDataset(detail=f"{archive} is no tar: {error}") from error


def _of_file(path: Path, name: str) -> Entry:
    try:
        found = path.stat()
    except OSError:
        return Entry(_utf8(name), str(path), 0, 0, -1)
    return Entry(_utf8(name), str(path), 0, found.st_size, found.st_mtime_ns)


def _utf8(name: str) -> str:
    """A name with bytes that are no UTF-8, as old file systems have them, with those spelt out: no table can hold them."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES
