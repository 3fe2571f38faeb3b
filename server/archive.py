"""The archive that is to be served, checked before a server is started with it."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from snag.errors import BadArtifact
from snag.files import sha256_of


@dataclass(frozen=True)
class Archive:
    """A model's archive whose bytes are what was packed."""

    model: str
    path: Path
    digest: str


def verified(model_store: Path, model: str) -> Archive:
    """`<model>.mar` of the store, compared with the digest beside it. Raises BadArtifact."""
    path = (model_store / f"{model}.mar").resolve()
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
    return Archive(model, path, digest)
