"""`python -m benchmarks.published`: published pictures of real parts, laid out as MVTec AD to judge a detector on.

- `ballscrew`: a ball screw's spindle that wears until its track is pitted, in colour (Schlagenhauf and Landwehr, Industrial
  machine tool component surface defect dataset, Data in Brief 39, 2021; CC BY-SA 4.0). Of each of 15 places along it there is a
  row of pictures over ten days; the places of the test pictures are others than those that training sees.
- `cells` and `polycells`: mono- and polycrystalline solar cells that glow under current, grey (Buerhop-Lutz et al., A benchmark
  for visual identification of defective solar cells in electroluminescence imagery, EU PVSEC 2018; CC BY-NC-SA 4.0). Without
  masks.
- `pills`: round tablets on a mat, in colour, chipped or dirty (PillQC, MathWorks, under its own licence). Without masks.

Fetch the data sets from where they are published first; nothing is downloaded.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Final, Literal

from PIL import Image, ImageDraw
from pydantic import Field

from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadConfig
from snag.training.data.folders import whole_folder

#: Of the pictures of the ball screw those of one camera, and of how many places they are tested on.
WHOLE_SIZE: Final = (1130, 460)
TEST_PLACES: Final = 5
#: Good pictures of each of those places.
GOOD_OF_A_PLACE: Final = 12
#: Solar cells: good ones to train and to test on, and defective ones.
CELLS: Final = (300, 60, 80)
#: Good pills to test on; the others are to train on.
GOOD_PILLS: Final = 40


class PublishedSettings(Settings):
    """Lay a published data set out in MVTec layout."""

    set: Literal["ballscrew", "cells", "polycells", "pills"] = Field(description="which it is")
    source: Path = Field(description="its folder, as published: BSData, the one of labels.csv of ELPV, or PillQC")
    out: Path = Field(Path("data"), description="folder of the data sets")


def published(settings: PublishedSettings) -> None:
    """Lay it out, whole or not at all. Raises BadConfig where a folder is there already, or the source is another one."""
    folder = settings.out / settings.set
    if folder.exists():
        raise BadConfig(detail=f"{folder} is there already; remove it, or choose another folder with --out")
    with whole_folder(folder) as whole:
        try:
            LAID_OUT[settings.set](settings.source, whole)
        except (OSError, LookupError, ValueError) as error:
            raise BadConfig(detail=f"{settings.source}: {error}; expected the data set as it is published") from error
    print(folder)


def ballscrew(source: Path, folder: Path) -> None:
    """Of the places to train on every other good picture; of those to test on some good ones, and all that are pitted."""
    labels = {path.stem: path for path in (source / "label").glob("*.json")}
    places: dict[str, list[Path]] = {}
    for path in sorted((source / "data").glob("01_*.jpg")):
        with Image.open(path) as picture:
            if picture.size == WHOLE_SIZE:
                places.setdefault("_".join(path.stem.split("_")[2:4]), []).append(path)
    if len(places) <= TEST_PLACES:
        raise BadConfig(
            detail=f"{source} holds {len(places)} places of the spindle; expected BSData with its folders data and label"
        )
    tested = Random(0).sample(sorted(places), TEST_PLACES)  # it picks pictures, no secrets  # nosec B311
    for place, paths in places.items():
        good = [path for path in paths if path.stem not in labels]
        if place not in tested:
            _copy(good[::2], folder / "train" / "good")
            continue
        last = GOOD_OF_A_PLACE - 1
        _copy([good[round(i * (len(good) - 1) / last)] for i in range(GOOD_OF_A_PLACE)], folder / "test" / "good")
        pitted = [path for path in paths if path.stem in labels]
        _copy(pitted, folder / "test" / "pitting")
        for path in pitted:
            mask = Image.new("L", WHOLE_SIZE)
            for shape in json.loads(labels[path.stem].read_text())["shapes"]:
                ImageDraw.Draw(mask).polygon([(x, y) for x, y in shape["points"]], fill=255)
            masks = folder / "ground_truth" / "pitting"
            masks.mkdir(parents=True, exist_ok=True)
            mask.save(masks / f"{path.stem}_mask.png")


def cells(source: Path, folder: Path, kind: str) -> None:
    """Those of a kind that are surely good or surely defective."""
    try:
        rows = [line.split() for line in (source / "labels.csv").read_text().splitlines()]
        good, bad = (
            [source / name for name, defective, its in rows if its == kind and float(defective) == wanted] for wanted in (0, 1)
        )
    except (OSError, ValueError) as error:
        raise BadConfig(detail=f"{source}: {error}; expected the folder of ELPV's labels.csv") from error
    random = Random(0)  # it picks pictures, no secrets  # nosec B311
    random.shuffle(good)
    random.shuffle(bad)
    train, tested, defective = CELLS
    _copy(good[:train], folder / "train" / "good")
    _copy(good[train : train + tested], folder / "test" / "good")
    _copy(bad[:defective], folder / "test" / "defective")


def pills(source: Path, folder: Path) -> None:
    """All that are chipped or dirty, and good ones of the same shots as those to train on."""
    kinds = {kind: sorted((source / "images" / kind).iterdir()) for kind in ("normal", "chip", "dirt")}
    good = kinds.pop("normal")
    Random(0).shuffle(good)  # it picks pictures, no secrets  # nosec B311
    _copy(good[GOOD_PILLS:], folder / "train" / "good")
    _copy(good[:GOOD_PILLS], folder / "test" / "good")
    for kind, paths in kinds.items():
        _copy(paths, folder / "test" / kind)


LAID_OUT: Final[dict[str, Callable[[Path, Path], None]]] = {
    "ballscrew": ballscrew,
    "cells": partial(cells, kind="mono"),
    "polycells": partial(cells, kind="poly"),
    "pills": pills,
}


def _copy(paths: Sequence[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        shutil.copyfile(path, folder / path.name)


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: published(from_flags(PublishedSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
