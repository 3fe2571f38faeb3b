"""Places: where a source's pictures lie while they are under way, and after."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from snag.core.errors import DiskFull
from snag.core.file_names import original
from snag.core.files import write_bytes
from snag.line.event import file_name, id_and_name

WORKING: Final = "working"
DONE: Final = "done"  #: judged
FAILED: Final = "failed"  #: not judged: the picture's own fault, or there was no server


class Places:
    """FOLDER/working, done and failed. A picture is under way as soon as it lies in working, under a name that has its id."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> None:
        """Make the folders, and remove halves of files that a killed process left. Raises DiskFull."""
        try:
            for name in (WORKING, DONE, FAILED):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            for path in (self.folder / WORKING).iterdir():
                if path.name.startswith(".") and path.name.endswith(".part"):
                    path.unlink()
        except OSError as error:
            raise DiskFull(path=self.folder, detail=error) from error

    def mend(self) -> None:
        """Make what was deleted of the folders meanwhile. Where none is left the drive may be away: nothing is made then."""
        folders = [self.folder / name for name in (WORKING, DONE, FAILED)]
        if any(folder.is_dir() for folder in folders):
            for folder in folders:
                folder.mkdir(exist_ok=True)

    def claim(self, path: Path, id: str) -> Path:
        """Bring a file under way, by a rename: from now on nobody else writes under its name."""
        target = self.folder / WORKING / file_name(id, path.name)
        path.rename(target)
        return target

    def put(self, picture: bytes, id: str, name: str) -> Path:
        """Bring a picture under way that is no file yet. Raises DiskFull."""
        target = self.folder / WORKING / file_name(id, name)
        write_bytes(target, picture)
        return target

    def kept(self) -> None:
        """Return when what was claimed is under way even after a power cut."""
        for folder in (self.folder / WORKING, self.folder):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def under_way(self) -> list[Path]:
        """What is to be judged or moved on, oldest first."""
        return sorted(path for path in (self.folder / WORKING).iterdir() if id_and_name(path))

    def has(self, id: str) -> bool:
        """Whether a picture with this id is under way, or was."""
        return any(True for place in (WORKING, DONE, FAILED) for _ in (self.folder / place).glob(f"{id}_*"))

    def target(self, path: Path, is_judged: bool) -> Path:
        """Where a picture that is under way will lie."""
        return self.folder / (DONE if is_judged else FAILED) / path.name

    def forget(self, keep: int) -> int:
        """Remove the oldest of `done` beyond so many; answers how many. Only files that the line has named."""
        old = sorted(path for path in (self.folder / DONE).iterdir() if id_and_name(path))[: -keep or None]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)


def now_at(file: str) -> Path | None:
    """Where a picture is whose event says `file`: it may still be under way; None where it is gone."""
    path = Path(original(file))
    return next((place for place in _looked_at(path) if place.is_file()), None)


def _looked_at(path: Path) -> Iterator[Path]:
    yield path
    yield path.parents[1] / WORKING / path.name
    yield path  # it may have moved in between
