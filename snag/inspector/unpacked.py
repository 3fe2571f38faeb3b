"""An archive's model in a folder for as long as it takes to load it; and whether the archive's own code is the code here."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import snag
from snag.core.errors import ArtifactMismatch, BadArtifact
from snag.core.format import check_archive

#: What belongs to the model; the rest of an archive is for the server.
_PARTS: Final = ("snag.pt", "calibration.json", "golden.json", "reference.json", "model-config.yaml")
_GOLDEN: Final = "golden/"
_CODE: Final = "snag/core/"


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """A folder with the archive's model, gone afterwards; errors of its files name the archive.

    Raises BadArtifact for what is no archive, or one of an older Snag.
    """
    with tempfile.TemporaryDirectory(prefix="snag-") as folder:
        try:
            with zipfile.ZipFile(archive) as file:
                check_archive(file.namelist(), archive)
                for name in file.namelist():
                    if name in _PARTS or name.startswith(_GOLDEN):
                        file.extract(name, folder)
        except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
            raise BadArtifact(path=archive, detail=f"not an archive, or damaged ({error})") from error
        try:
            yield Path(folder)
        except (BadArtifact, ArtifactMismatch) as error:
            raise type(error)(**{name: _in(archive, folder, detail) for name, detail in error.details.items()}) from error


def other_code(archive: Path) -> list[str]:
    """The files of `snag/core` that the archive has in another version than this package, or that only one of them has."""
    here = {path.name: path.read_bytes() for path in (Path(snag.__file__).parent / "core").glob("*.py")}
    with zipfile.ZipFile(archive) as file:
        there = {name.removeprefix(_CODE): file.read(name) for name in file.namelist() if name.startswith(_CODE)}
    return sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))


def _in(archive: Path, folder: str, detail: object) -> object:
    """A path of the folder as one inside of the archive."""
    return archive / detail.relative_to(folder) if isinstance(detail, Path) and detail.is_relative_to(folder) else detail
