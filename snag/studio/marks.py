"""Marks: pictures that a person says show no good part.

A marked picture that calibrates is left out of calibration, as EXCLUDE does. One that training learnt from can only be kept out
of the next training: it is set aside then, in a hidden folder of its data set, and comes back when its mark is taken away.
"""

from __future__ import annotations

import filecmp
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from snag.core.errors import BadArtifact, DiskFull
from snag.core.file_names import original, spelled
from snag.core.files import write_text
from snag.studio.idle import check_idle
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
    """Take a mark down or away. One that was set aside comes back.

    Raises DiskFull, and BadConfig where one would come back while something runs: training's pictures would change under it.
    """
    kept = [one for one in read_marks(product) if one != name]
    aside = product.data / ASIDE
    if not is_not_good and (aside / name).is_file():
        check_idle(product)
        _move(aside / name, product.data / _place(aside, product.data, name))
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


def have_changed(product: Product, good: Collection[str]) -> bool:
    """Whether good pictures have come or gone since training split them: then nothing can be calibrated with its split.

    Their names decide, not the times of folders, which change with any hidden file and stay changed when a picture is back.
    """
    try:
        chosen = read_split(product.run / "split.json")
    except BadArtifact:
        return False
    return {*chosen.fit, *chosen.standardise, *chosen.calibrate, *chosen.repeats} != set(good)


def set_aside(product: Product) -> int:
    """Move what is marked in train/good out of training's sight; how many were moved. Raises DiskFull."""
    aside = product.data / ASIDE
    names = [name for name in read_marks(product) if name.startswith("train/good/") and (product.data / name).is_file()]
    for name in names:
        place = _place(product.data, aside, name)
        if place != name:
            mark(product, place, True)  # or nobody could bring it back
        _move(product.data / name, aside / place)
    return len(names)


def _place(source: Path, target: Path, name: str) -> str:
    """The name under which a file of one folder may lie in the other: its own, or a free one where another picture has that."""
    path, place, number = PurePosixPath(name), name, 1
    while not _is_free(source / name, target / place) or (place != name and (source / place).exists()):
        number += 1
        place = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
    return place


def _is_free(source: Path, target: Path) -> bool:
    """Also where the same picture lies there as a file of its own."""
    return not target.exists() or (not source.samefile(target) and filecmp.cmp(source, target, shallow=False))


def _move(source: Path, target: Path) -> None:
    """To a place that is free; a second copy of what lies there is one too many."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            source.unlink()
        else:
            source.rename(target)
    except OSError as error:
        raise DiskFull(path=target, detail=error) from error


def _write(product: Product, names: Iterable[str]) -> None:
    write_text(_list(product), "".join(f"{spelled(name)}\n" for name in names))


def _list(product: Product) -> Path:
    return product.own / "not_good.txt"
