"""The archive that is to be served, checked before a server is told to load it."""

from __future__ import annotations

import json
import math
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from snag.cli.model_name import NAME_RULE, is_model_name
from snag.core.errors import BadArtifact
from snag.core.files import sha256_of, write_atomically
from snag.core.format import check_archive
from snag.server.state.golden import golden_set

T = TypeVar("T")


@dataclass(frozen=True)
class Archive:
    """A model's archive whose bytes are what was packed, and what it says of itself."""

    model: str
    path: Path
    digest: str
    version: str
    threshold: float
    calibrated: str  #: when, ISO 8601


def archive_names(model_store: Path) -> list[str]:
    """The models whose archives lie in the store. Raises BadArtifact when it can't be read."""
    try:
        return sorted(path.stem for path in model_store.iterdir() if path.suffix == ".mar")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadArtifact(path=model_store, detail=f"expected a folder of archives: {error.strerror}") from error


def verify_archive(model_store: Path, model: str) -> Archive:
    """`<model>.mar` of the store, compared with the digest beside it. Raises BadArtifact, also without a threshold in it."""
    path = model_store / f"{model}.mar"
    if not is_model_name(model):
        raise BadArtifact(path=path, detail=f"its name can't be a model's: {NAME_RULE}")
    try:
        return _verified(path.resolve(), model)
    except (OSError, RuntimeError, UnicodeDecodeError) as error:  # RuntimeError: a link that leads to itself
        why = error.strerror if isinstance(error, OSError) else error
        raise BadArtifact(path=path, detail=f"it or its digest can't be read ({why}); run `make archive`") from error


def _verified(path: Path, model: str) -> Archive:
    recorded = path.with_name(f"{path.name}.sha256")
    if not path.is_file():
        raise BadArtifact(path=path, detail="there is no archive; run `make archive`")
    if not recorded.is_file():
        raise BadArtifact(path=path, detail=f"its digest {recorded.name} is missing; run `make archive`")
    digest = sha256_of(path)
    if digest not in recorded.read_text().split():
        raise BadArtifact(
            path=path, detail=f"it is not what was packed: {recorded.name} has another digest; run `make archive`"
        )
    if not zipfile.is_zipfile(path):
        raise BadArtifact(path=path, detail="not an archive; run `make archive`")
    with zipfile.ZipFile(path) as file:
        check_archive(file.namelist(), path)
    version = _member(path, "MAR-INF/MANIFEST.json", lambda manifest: _text(manifest["model"]["modelVersion"]))
    threshold, calibrated = _member(path, "calibration.json", _threshold)
    golden_set(path)
    return Archive(model, path, digest, version, threshold, calibrated)


def copy_archive(archive: Archive, folder: Path) -> str:
    """Put a copy into `folder` and return its name there, `<model>-<version>.mar`.

    Raises BadArtifact when the copy is not what was verified, DiskFull when it can't be written.
    """
    target = folder / f"{archive.model}-{archive.version}.mar"
    if not (target.is_file() and sha256_of(target) == archive.digest):
        write_atomically(target, lambda temporary: _copy(archive, temporary))
    return target.name


def _copy(archive: Archive, target: Path) -> None:
    shutil.copyfile(archive.path, target)
    if sha256_of(target) != archive.digest:
        raise BadArtifact(path=archive.path, detail="it changed while it was copied; run `make archive`")


def _member(path: Path, name: str, read: Callable[[Any], T]) -> T:
    """What `read` makes of a JSON file of the archive. Raises BadArtifact."""
    try:
        with zipfile.ZipFile(path) as file:
            return read(json.loads(file.read(name)))
    except KeyError as error:
        raise BadArtifact(path=path, detail=f"{_missing(error)} is not in it; run `make archive`") from error
    except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise BadArtifact(path=path, detail=f"its {name} can't be read ({error}); run `make archive`") from error


def _missing(error: KeyError) -> str:
    """KeyError's own text is in quotes, and the zip module puts a sentence in them."""
    words = str(error.args[0]).split("'")
    return words[1] if len(words) > 1 else words[0]


def _threshold(calibration: Any) -> tuple[float, str]:
    threshold, created = calibration["threshold"], _text(calibration["created"])
    datetime.fromisoformat(created)
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not math.isfinite(threshold):
        raise ValueError(f"threshold = {str(threshold)[:40]!r}")
    return float(threshold), created


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{str(value)[:40]!r} is no text")
    return value
