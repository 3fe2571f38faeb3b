"""The archive of a model again, under another name or with other settings of the server: same model, same calibration."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from snag.core.files import sha256_of, write_bytes, write_text

_MANIFEST: Final = "MAR-INF/MANIFEST.json"
_CONFIG: Final = "model-config.yaml"


def repacked(archive: Path, store: Path, model: str, knobs: Mapping[str, Any]) -> Path:
    """Write `store/<model>.mar` and its digest; `knobs` replace lines of model-config.yaml, `handler` as a whole."""
    with zipfile.ZipFile(archive) as file:
        members = {name: file.read(name) for name in file.namelist()}
    manifest = json.loads(members[_MANIFEST])
    manifest["model"]["modelName"] = model
    members[_MANIFEST] = json.dumps(manifest, indent=1).encode()
    members[_CONFIG] = yaml.safe_dump({**yaml.safe_load(members[_CONFIG]), **knobs}).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    path = store / f"{model}.mar"
    write_bytes(path, buffer.getvalue())
    write_text(path.with_name(f"{path.name}.sha256"), f"{sha256_of(path)}  {path.name}\n")
    return path
