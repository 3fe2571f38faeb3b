"""Files that are written for each picture: their names, told apart, and never in the place of somebody else's."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from snag.core.errors import BadConfig

#: Bytes of a stem, so that kind and suffix fit into a file system's 255 with it.
_LONGEST: Final = 200


def output_stems(pictures: Sequence[Path], root: Path) -> dict[Path, Path]:
    """Where below the output folder the files of each picture begin: as it lies below `root`, its suffix kept in the name.

    part.png is part_png, so that part.jpg does not overwrite it. Names that a file system without case or one that takes
    letters apart would confuse get a digest behind them, and so does one that is too long.
    """
    plain = {picture: _stem(picture, root) for picture in pictures}
    known = Counter(_key(stem) for stem in plain.values())
    return {
        picture: stem
        if known[_key(stem)] == 1 and len(os.fsencode(stem.name)) <= _LONGEST
        else _with_digest(stem, picture, root)
        for picture, stem in plain.items()
    }


def output_files(stem: Path, kinds: Sequence[str]) -> dict[str, Path]:
    """The file of each kind that is asked for."""
    return {kind: stem.with_name(f"{stem.name}_{kind}.{'json' if kind == 'regions' else 'png'}") for kind in kinds}


def refuse_to_overwrite(stems: Mapping[Path, Path], kinds: Sequence[str], out: Path, images: Path, marker: Path) -> None:
    """Raises BadConfig where files of `kinds` would lie among the pictures, or replace files that no earlier run wrote.

    An earlier run is known by its `marker`.
    """
    if not kinds:
        return
    if images.is_dir() and out.resolve().is_relative_to(images.resolve()):
        raise BadConfig(
            detail=f"what is saved into {out} would be judged as pictures of {images} next time; choose another --out"
        )
    if marker.exists():
        return
    for stem in stems.values():
        for path in output_files(out / stem, kinds).values():
            if path.exists():
                raise BadConfig(detail=f"{path} is there and no earlier run wrote it; choose another --out")


def _stem(picture: Path, root: Path) -> Path:
    inside = picture.relative_to(root) if root.is_dir() else Path(picture.name)
    return inside.with_name(inside.stem + inside.suffix.replace(".", "_"))


def _with_digest(stem: Path, picture: Path, root: Path) -> Path:
    inside = picture.relative_to(root) if root.is_dir() else Path(picture.name)
    digest = hashlib.sha256(os.fsencode(inside)).hexdigest()[:8]
    name = os.fsdecode(os.fsencode(stem.name)[:_LONGEST])
    return stem.with_name(f"{name}_{digest}")


def _key(stem: Path) -> str:
    return unicodedata.normalize("NFKC", str(stem)).casefold()
