"""Archives made by hand: what the server reads of one, without a model in it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

CALIBRATION = {"threshold": 0.5, "created": "2026-01-02T03:04:05+00:00"}
GOLDEN = {"artifact": "a" * 64, "tolerance": 0.01, "pictures": [{"name": "golden/0.png", "score": 0.25}]}
PICTURE = b"the golden picture"


def write_mar(store: Path, model: str, version: str = "1.0", **members: Any) -> str:
    """Write `<model>.mar` with its digest beside it and return that; `members` replace the usual ones, None leaves one out."""
    store.mkdir(parents=True, exist_ok=True)
    usual = {"manifest": {"model": {"modelVersion": version}}, "calibration": CALIBRATION, "golden": GOLDEN}
    names = {"manifest": "MAR-INF/MANIFEST.json", "calibration": "calibration.json", "golden": "golden.json"}
    path = store / f"{model}.mar"
    with zipfile.ZipFile(path, "w") as file:
        for key, value in (usual | members).items():
            if value is not None:
                file.writestr(_entry(names[key]), json.dumps(value))
        file.writestr(_entry("golden/0.png"), PICTURE)
    return record(path)


def record(path: Path) -> str:
    """Write the digest of an archive beside it, as `make archive` does, and return it."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n")
    return digest


def _entry(name: str) -> zipfile.ZipInfo:
    """Without the clock: packed again a second later, the same is to have the same digest, as an archive of `make archive`."""
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
