"""The pictures of a folder: the one walk that training, doctor, evaluation, client, offline scoring and ingest share.

A picture is told by its content, whatever it is called; a file whose name claims a format that is read is a picture too, and
one that turns out broken when it is read. Links are followed, each folder is read once, and nothing is passed over unsaid.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from snag.core.errors import NoPictures, UnreadableFolder
from snag.core.hidden_files import is_hidden
from snag.core.left_out import LeftOut, Reason
from snag.core.picture_formats import HEAD, SUFFIXES, is_read, unread_kind


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file, or a folder that is not read, below the folder that is walked."""

    path: Path  #: below that folder as it was given
    reason: Reason | None = None  #: why it is left out; None: it is a picture
    kind: str | None = None  #: the format, where that is the reason


@dataclass(frozen=True)
class PictureFiles:
    """The pictures of a folder, and what else lies in it."""

    folder: Path
    pictures: list[Path]  #: sorted
    left_out: LeftOut

    @property
    def sentence(self) -> str:
        """What was left out of the folder, in one sentence; empty where nothing was."""
        return self.left_out.sentence(self.folder)

    def required(self, expected: str) -> PictureFiles:
        """The same. Raises NoPictures, with what was left out, where there are none."""
        if not self.pictures:
            sentence = self.left_out.sentence()
            raise NoPictures(folder=self.folder, expected=f"{expected}; {sentence}" if sentence else expected)
        return self


def picture_files(folder: Path) -> PictureFiles:
    """Every picture below the folder; none where there is no such folder. Raises UnreadableFolder."""
    pictures, left_out = [], LeftOut()
    for found in walk(folder):
        if found.reason is None:
            pictures.append(found.path)
        else:
            left_out.add(found.reason, found.path.relative_to(folder).as_posix(), found.kind)
    return PictureFiles(folder, sorted(pictures), left_out)


def walk(folder: Path) -> Iterator[FoundFile]:
    """Everything below the folder, in no order, as it is found; nothing where there is no such folder.

    What is hidden is not entered; the folder itself may be. Links to folders are followed after what lies in the folder itself,
    and a folder that was read is not read again, so loops end. Raises UnreadableFolder.
    """
    seen: set[tuple[int, int]] = set()
    entrances = [folder] if folder.is_dir() else []
    while entrances:
        links: list[Path] = []
        for entrance in entrances:
            if entrance != folder and _leads_up(entrance):
                yield FoundFile(entrance, Reason.AGAIN)
                continue
            inner = [entrance]
            while inner:
                here = inner.pop()
                if (identity := _identity(here)) in seen:
                    yield FoundFile(here, Reason.AGAIN)
                    continue
                seen.add(identity)
                yield from _files(here, inner, links)
        entrances = sorted(links)


def right_in(folder: Path) -> Iterator[FoundFile]:
    """What lies right in the folder, in no order, but for its folders. Raises UnreadableFolder."""
    return _files(folder, [], [])


def visible_folders(folder: Path) -> list[Path]:
    """The folders that lie right in this one, sorted, links followed; none where it is no folder. Raises UnreadableFolder."""
    if not folder.is_dir():
        return []
    return sorted(
        Path(entry.path)
        for entry in _entries(folder)
        if not is_hidden(entry.name, is_folder=True) and _reason(entry) is None and entry.is_dir()
    )


def sorted_out(path: Path) -> FoundFile:
    """One file, whatever it is: as `walk` tells one that it comes upon."""
    reason = _reason(path)
    return _told(path) if reason is None else FoundFile(path, reason)


def reason_of(suffix: str, head: Callable[[], bytes]) -> tuple[Reason | None, str | None]:
    """Why a file is left out, None for a picture; and its format, where that is the reason.

    `suffix` is its own, in small letters; where that claims a format that is read, `head`, which gives its first HEAD bytes, is
    not called: whoever reads the file whole finds out soon enough what it is.
    """
    if suffix in SUFFIXES:
        return None, None
    begin = head()
    if is_read(begin, suffix):
        return None, None
    kind = unread_kind(begin, suffix)
    return (Reason.OTHER, None) if kind is None else (Reason.FORMAT, kind)


def _told(path: Path) -> FoundFile:
    """A regular file, told by its name where that claims a format that is read, else by how it begins."""

    def head() -> bytes:
        with path.open("rb") as file:
            return file.read(HEAD)

    try:
        return FoundFile(path, *reason_of(path.suffix.lower(), head))
    except OSError:
        return FoundFile(path, Reason.LOCKED)


def _files(here: Path, folders: list[Path], links: list[Path]) -> Iterator[FoundFile]:
    """What lies right in a folder; folders in it are added to `folders`, links to such to `links`."""
    for entry in _entries(here):
        path, reason = Path(entry.path), _reason(entry)
        is_folder = reason is None and entry.is_dir()
        if is_hidden(entry.name, is_folder):
            yield FoundFile(path, Reason.HIDDEN)
        elif reason is not None:
            yield FoundFile(path, reason)
        elif is_folder:
            (links if entry.is_symlink() else folders).append(path)
        else:
            yield _told(path)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        raise UnreadableFolder(path=folder, detail=error.strerror) from error


def _reason(entry: os.DirEntry[str] | Path) -> Reason | None:
    """Why it is neither a folder nor a regular file, nor a link to one of them; None where it is."""
    try:
        if entry.is_file() or entry.is_dir():
            return None
        return Reason.SPECIAL if Path(entry).exists() else Reason.DANGLING
    except PermissionError:
        return Reason.LOCKED
    except OSError:  # a link to itself
        return Reason.DANGLING


def _identity(folder: Path) -> tuple[int, int]:
    try:
        found = folder.stat()
    except OSError as error:
        raise UnreadableFolder(path=folder, detail=error.strerror) from error
    return found.st_dev, found.st_ino


def _leads_up(link: Path) -> bool:
    """Whether the link leads to a folder that it lies in itself."""
    return link.parent.resolve().is_relative_to(link.resolve())
