"""served.json: which versions of which models a server serves, which of them answers, and which one was before."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from snag.core.errors import BadArtifact
from snag.core.files import write_text
from snag.server.state.archive import Archive


@dataclass(frozen=True)
class ServedVersion:
    """One version of a model, as its archive had it when it was taken into the server's own store."""

    version: str
    archive: str  #: file in the store
    digest: str
    threshold: float
    calibrated: str  #: when, ISO 8601


@dataclass(frozen=True)
class Model:
    """One model that the server should serve."""

    name: str
    default: ServedVersion | None  #: answers whoever names no version; None: it could not be taken in
    previous: ServedVersion | None = None  #: was the default before; stays, for going back
    retiring: tuple[ServedVersion, ...] = ()  #: go as soon as they have nothing in flight
    failed: str | None = None  #: why there is no default
    since: str = ""  #: when the default became so, ISO 8601

    @property
    def versions(self) -> tuple[ServedVersion, ...]:
        """Those that should serve, the default first."""
        return tuple(one for one in (self.default, self.previous) if one is not None)


def version_of(archive: Archive, name: str) -> ServedVersion:
    """The entry of an archive that lies in the store under `name`."""
    return ServedVersion(archive.version, name, archive.digest, archive.threshold, archive.calibrated)


def with_default(model: Model, new: ServedVersion, now: str) -> Model:
    """The new version answers; the one that did is kept; what is older retires. One that is there already changes its place."""
    is_another = model.default is not None and model.default.version != new.version
    previous = model.default if is_another else model.previous
    older = (model.previous, *model.retiring) if is_another else model.retiring
    retiring = tuple(one for one in older if one is not None and one.version != new.version)
    return Model(model.name, new, previous, retiring, since=now)


def with_previous(model: Model, now: str) -> Model:
    """The version before answers again, and the one that did is kept in its place."""
    return replace(model, default=model.previous, previous=model.default, since=now)


def without_version(model: Model, version: ServedVersion) -> Model:
    """The model once a retiring version is gone."""
    return replace(model, retiring=tuple(one for one in model.retiring if one != version))


def read_state(path: Path) -> tuple[Model, ...]:
    """What is served; nothing where there is no file. Raises BadArtifact for one that is damaged."""
    try:
        return tuple(_model(entry) for entry in json.loads(path.read_text())["models"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadArtifact(path=path, detail=f"not a list of served models ({error}); remove it and run `make serve`") from error


def write_state(path: Path, models: Iterable[Model]) -> None:
    """Replace the file atomically."""
    write_text(path, json.dumps({"models": [asdict(model) for model in models]}, indent=1) + "\n")


def _model(entry: dict[str, Any]) -> Model:
    places = {name: ServedVersion(**entry[name]) if entry[name] else None for name in ("default", "previous")}
    retiring = tuple(ServedVersion(**one) for one in entry["retiring"])
    return Model(entry["name"], **places, retiring=retiring, failed=entry["failed"], since=entry["since"])
