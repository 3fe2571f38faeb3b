"""Sources of pictures: a folder, a glob pattern, an uncompressed tar, or a text file that lists paths."""

from __future__ import annotations

import glob
import os
import stat
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Final

from snag.core.errors import BadDataset, UnreadableFile
from snag.core.file_names import original, spelled
from snag.core.hidden_files import is_hidden, is_in_hidden
from snag.core.left_out import LeftOut, Reason
from snag.core.picture_files import FoundFile, reason_of, sorted_out, walk
from snag.core.picture_formats import HEAD

#: Larger files are not read into memory; no picture within the decoder's limits comes near it.
MAX_BYTES: Final = 1 << 30
_COMPRESSED: Final = {".tgz": "gzip -d", ".gz": "gzip -d", ".xz": "xz -d", ".bz2": "bzip2 -d", ".zst": "zstd -d"}
_WILD: Final = frozenset("*?[")


@dataclass(frozen=True)
class Entry:
    """One picture of a source: what it is called in the results, and where its bytes lie."""

    name: str  #: unique within the source; forward slashes; as `snag.core.file_names` spells it
    path: str  #: the file, or the tar that it lies in; as the system spells it
    offset: int  #: where its bytes begin in `path`
    size: int  #: how many there are
    modified: int  #: time stamp of `path` or of the member; nanoseconds, seconds in a tar; -1: there is no such file


def entries(source: str, left_out: LeftOut | None = None) -> Iterator[Entry]:
    """Every picture of the source, in no particular order; what else is in it is added to `left_out`.

    Raises BadDataset for what is none of the four kinds, UnreadableFolder.
    """
    path, left_out = Path(source), LeftOut() if left_out is None else left_out
    if path.is_dir():
        return _of_folder(path, left_out)
    if path.is_file():
        kind = path.suffix.lower()
        if kind in _COMPRESSED:
            raise BadDataset(detail=f"{path} is compressed, and can't be read in parts; `{_COMPRESSED[kind]}` it first")
        return _of_tar(path, left_out) if kind == ".tar" else _of_list(path)
    if _WILD & set(source):
        return _of_pattern(source, left_out)
    raise BadDataset(detail=f"{source} is not there; expected a folder, a glob in quotes, a .tar or a text file of paths")


def read(entry: Entry) -> bytes:
    """The picture's bytes. Raises UnreadableFile."""
    if entry.size > MAX_BYTES:
        raise UnreadableFile(path=entry.name, detail=f"it has {entry.size} bytes, at most {MAX_BYTES} are read")
    try:
        if not stat.S_ISREG(Path(entry.path).stat().st_mode):  # a pipe would wait for ever
            raise UnreadableFile(path=entry.name, detail="it is no regular file")
        with Path(entry.path).open("rb") as file:
            file.seek(entry.offset)
            data = file.read(entry.size)
    except OSError as error:
        raise UnreadableFile(path=entry.name, detail=error.strerror) from error
    if len(data) != entry.size:
        raise UnreadableFile(path=entry.name, detail=f"{len(data)} bytes of {entry.size} are there")
    return data


def _of_folder(folder: Path, left_out: LeftOut) -> Iterator[Entry]:
    for found in walk(folder):
        yield from _taken(found, found.path.relative_to(folder).as_posix(), left_out)


def _of_pattern(pattern: str, left_out: LeftOut) -> Iterator[Entry]:
    """Files that the pattern fits; `**` is any folders, which are walked as a source that is a folder is."""
    parts = pattern.split("/")
    if "**" not in parts:
        for path in map(Path, glob.iglob(pattern)):  # noqa: PTH207  # takes absolute patterns as well
            if _is_hidden_to(parts, path, is_folder=False):
                left_out.add(Reason.HIDDEN, path.as_posix())
            elif not path.is_dir():
                yield from _taken(sorted_out(path), path.as_posix(), left_out)
        return
    first = parts.index("**")
    above = "/".join(parts[:first]) or ("/" if pattern.startswith("/") else ".")
    for folder in map(Path, glob.iglob(above) if _WILD & set(above) else [above]):  # noqa: PTH207
        if _is_hidden_to(parts, folder, is_folder=True):
            left_out.add(Reason.HIDDEN, folder.as_posix())
            continue
        for found in walk(folder):
            is_passed_over = found.reason in (Reason.HIDDEN, Reason.AGAIN)
            if is_passed_over or _fits(found.path.relative_to(folder).parts, parts[first:]):
                yield from _taken(found, found.path.as_posix(), left_out)


def _is_hidden_to(pattern: Sequence[str], path: Path, *, is_folder: bool) -> bool:
    """Whether the path is hidden, or leads through something hidden, that the pattern does not name itself."""
    last = len(path.parts) - 1
    return any(is_hidden(part, is_folder or place < last) for place, part in enumerate(path.parts) if part not in pattern)


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern or not parts:
        return not parts and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return _fits(parts, pattern[1:]) or _fits(parts[1:], pattern)
    return fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def _taken(found: FoundFile, name: str, left_out: LeftOut) -> Iterator[Entry]:
    if found.reason is None:
        yield _of_file(found.path, name)
    else:
        left_out.add(found.reason, name, found.kind)


def _of_list(listing: Path) -> Iterator[Entry]:
    """Paths are relative to the list's folder; a listed file that is not there is an entry too, and refused when it is read."""
    with listing.open(encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            if "\0" in line:
                raise BadDataset(detail=f"{listing} is not text; expected one path a line, or a file whose name ends in .tar")
            if name := original(line.rstrip("\r\n")):
                yield _of_file(listing.parent / name, name)


def _of_tar(archive: Path, left_out: LeftOut) -> Iterator[Entry]:
    try:
        with archive.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as members:
            for member in members:
                members.members = []  # type: ignore[attr-defined]  # tarfile would remember each of millions
                if member.isdir():
                    continue
                reason, kind = _reason_in_tar(member, file.fileno())
                if reason is None:
                    yield Entry(spelled(member.name), str(archive), member.offset_data, member.size, int(member.mtime))
                else:
                    left_out.add(reason, member.name, kind)
    except tarfile.TarError as error:
        raise BadDataset(detail=f"{archive} is no tar: {error}") from error


def _reason_in_tar(member: tarfile.TarInfo, file: int) -> tuple[Reason | None, str | None]:
    """Why a member is left out, told as a file of a folder is; and its format, where that is the reason."""
    if is_in_hidden(member.name):
        return Reason.HIDDEN, None
    if member.issym() or member.islnk():
        return Reason.LINKED, None
    if not member.isreg() or member.issparse():
        return Reason.SPECIAL, None
    suffix = PurePosixPath(member.name).suffix.lower()
    return reason_of(suffix, lambda: os.pread(file, min(HEAD, member.size), member.offset_data))


def _of_file(path: Path, name: str) -> Entry:
    try:
        found = path.stat()
    except (OSError, ValueError):  # a list may name what no path can be
        return Entry(spelled(name), str(path), 0, 0, -1)
    return Entry(spelled(name), str(path), 0, found.st_size, found.st_mtime_ns)
