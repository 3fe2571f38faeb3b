"""Archives that are to be served go into the server's own store, and what it served before goes on where it can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from snag.core.files import sha256_of
from snag.server.state.archive import Archive, copy_archive
from snag.server.state.instance import Instance
from snag.server.state.served import Model, ServedVersion, read_state, version_of, write_state


def stage_archives(instance: Instance, archives: Sequence[Archive], failures: Mapping[str, str]) -> None:
    """Write what is to be served into the folder: the archives, and by name why others can't be.

    A model whose archive was served from here before goes on as it was left: with the version that answered last, which after a
    rollback is not the archive's, and the one that it can go back to. Raises BadArtifact, DiskFull.
    """
    before = {model.name: model for model in read_state(instance.served)}
    instance.store.mkdir(parents=True, exist_ok=True)
    models = [_model(before.get(archive.model), archive, instance.store) for archive in archives]
    models += [Model(name, None, failed=reason) for name, reason in failures.items()]
    write_state(instance.served, models)
    kept = {version.archive for model in models for version in model.versions}
    for path in instance.store.glob("*.mar"):
        if path.name not in kept:
            path.unlink()


def _model(before: Model | None, archive: Archive, store: Path) -> Model:
    new = version_of(archive, copy_archive(archive, store))
    if before is None or new not in before.versions or not all(_is_intact(store, one) for one in before.versions):
        return Model(archive.model, new)
    return replace(before, retiring=(), failed=None)


def _is_intact(store: Path, version: ServedVersion) -> bool:
    path = store / version.archive
    return path.is_file() and sha256_of(path) == version.digest
