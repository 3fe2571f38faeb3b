"""Archives altered on purpose: another version, and every way to be broken. Nothing here reads the original but to copy it."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

Members = dict[str, bytes]


def with_digest(path: Path) -> Path:
    """Write the digest beside an archive, as whoever packs one does."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n")
    return path


def repacked(source: Path, target: Path, change: Callable[[Members], None]) -> Path:
    """The archive with `change` made to its files by name, digest included; nothing compressed, as it was."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return with_digest(target)


def in_version(source: Path, target: Path, version: str) -> Path:
    """The same model under another version."""

    def change(members: Members) -> None:
        _edit(members, "MAR-INF/MANIFEST.json", lambda manifest: manifest["model"].update(modelVersion=version))

    return repacked(source, target, change)


def with_other_scores(source: Path, target: Path, version: str) -> Path:
    """Another version whose golden pictures should score what they do not: as if the model had been exported wrongly."""

    def change(members: Members) -> None:
        _edit(members, "MAR-INF/MANIFEST.json", lambda manifest: manifest["model"].update(modelVersion=version))
        _edit(members, "golden.json", lambda golden: [one.update(score=one["score"] * 2 + 1) for one in golden["pictures"]])

    return repacked(source, target, change)


def _copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return with_digest(target)


def _truncated(source: Path, target: Path) -> None:
    _copy(source, target)
    target.write_bytes(target.read_bytes()[: target.stat().st_size // 2])


def _truncated_before_its_digest(source: Path, target: Path) -> None:
    _truncated(source, target)
    with_digest(target)


def _one_bit(source: Path, target: Path) -> None:
    data = bytearray(_copy(source, target).read_bytes())
    data[len(data) // 2] ^= 1
    target.write_bytes(data)


def _no_digest(source: Path, target: Path) -> None:
    _copy(source, target).with_name(f"{target.name}.sha256").unlink()


def _without(name: str) -> Callable[[Path, Path], object]:
    return lambda source, target: repacked(source, target, lambda members: members.pop(name, None) and None)


def _with(name: str, change: Callable[[Any], object]) -> Callable[[Path, Path], object]:
    return lambda source, target: repacked(source, target, lambda members: _edit(members, name, change))


def _edit(members: Members, name: str, change: Callable[[Any], object]) -> None:
    content = json.loads(members[name])
    change(content)
    members[name] = json.dumps(content).encode()


#: What must never come up: how each is made from a good archive.
BROKEN: Final[dict[str, Callable[[Path, Path], object]]] = {
    "truncated": _truncated,
    "truncated before it was packed up": _truncated_before_its_digest,
    "one bit turned": _one_bit,
    "its digest missing": _no_digest,
    "without calibration": _without("calibration.json"),
    "without a threshold": _with("calibration.json", lambda calibration: calibration.pop("threshold")),
    "threshold not a number": _with("calibration.json", lambda calibration: calibration.update(threshold=None)),
    "another threshold than its scores give": _with(
        "calibration.json", lambda calibration: calibration.update(threshold=calibration["threshold"] * 2 + 1)
    ),
    "calibration of another model": _with("calibration.json", lambda calibration: calibration.update(artifact="f" * 64)),
    "without golden pictures": _without("golden.json"),
    "golden pictures with other scores": _with(
        "golden.json", lambda golden: [one.update(score=one["score"] * 2 + 1) for one in golden["pictures"]]
    ),
    "without a model": _without("snag.pt"),
}
