"""Marks: pictures that a person says show no good part.

A marked picture that calibrates is left out of calibration, as EXCLUDE does. One that training learnt from can only be kept out
of the next training: it is set aside then, in a hidden folder of its data set, and comes back when its mark is taken away.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from snag.core.errors import BadArtifact, DiskFull
from snag.core.file_names import original, spelled
from snag.core.files import write_text
from snag.studio.products import Product
from snag.training.data.split import read_split

ASIDE: Final = ".not_good"


def read_marks(product: Product) -> list[str]:
    """Names of the marked pictures, relative to the data set, in the order in which they were marked."""
    try:
        lines = _list(product).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [original(line) for line in lines if line.strip()]


def mark(product: Product, name: str, is_not_good: bool) -> None:
    """Take a mark down or away. One that was set aside comes back. Raises DiskFull."""
    kept = [one for one in read_marks(product) if one != name]
    if not is_not_good:
        _move(product.data / ASIDE / name, product.data / name)
    _write(product, [*kept, name] if is_not_good else kept)


def calibration_marks(product: Product) -> list[str]:
    """Those of the marked pictures that calibrate, as a list for `snag calibrate --exclude` spells them."""
    try:
        calibrating = set(read_split(product.run / "split.json").calibrate)
    except BadArtifact:
        return []
    return [spelled(name) for name in read_marks(product) if name in calibrating and (product.data / name).exists()]


def learnt_marks(product: Product) -> list[str]:
    """Those that the model has learnt from: only a new training is without them."""
    try:
        chosen = read_split(product.run / "split.json")
    except BadArtifact:
        return []
    learnt = {*chosen.fit, *chosen.standardise}
    return [name for name in read_marks(product) if name in learnt and (product.data / name).exists()]


def set_aside(product: Product) -> int:
    """Move what is marked in train/good out of training's sight; how many were moved. Raises DiskFull."""
    moved = 0
    for name in read_marks(product):
        if name.startswith("train/good/"):
            moved += _move(product.data / name, product.data / ASIDE / name)
    return moved


def _move(source: Path, target: Path) -> bool:
    if not source.is_file() or target.exists():
        return False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
    except OSError as error:
        raise DiskFull(path=target, detail=error) from error
    return True


def _write(product: Product, names: Iterable[str]) -> None:
    write_text(_list(product), "".join(f"{spelled(name)}\n" for name in names))


def _list(product: Product) -> Path:
    return product.own / "not_good.txt"
