"""Published pictures of surfaces: a spindle, solar cells, tyres, papers."""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from functools import partial
from pathlib import PurePosixPath
from random import Random
from typing import Final

from PIL import Image, ImageDraw

from benchmarks.published.layout import TESTED, TRAIN, Layout, two_valued
from benchmarks.published.published_set import PublishedSet
from benchmarks.published.source import Source
from snag.core.errors import BadConfig

#: Of the pictures of the ball screw those of one camera, and of how many places they are tested on.
WHOLE_SIZE: Final = (1130, 460)
TEST_PLACES: Final = 5
#: Good pictures of each of those places.
GOOD_OF_A_PLACE: Final = 12
#: Solar cells: good ones to train and to test on, and defective ones.
CELLS: Final = (300, 60, 80)
#: A crop of a sheet of paper: sheet and place on it. The first third of the sheets is tested.
_CROP: Final = re.compile(r"_(\d+)_\d+\.bmp$")
_SHEETS: Final = 3
#: In the name of a mask, where the picture's has D, and two digits always.
_MASK_OF: Final = re.compile(r"_GT_(\d+)_")


def ballscrew(source: Source, layout: Layout) -> None:
    """Of the places to train on every other good picture; of those to test on some good ones, and all that are pitted."""
    labels = {PurePosixPath(name).stem: name for name in source.below("label", ".json")}
    places: dict[str, list[str]] = {}
    for name in source.below("data", ".jpg"):
        path = PurePosixPath(name)
        if path.parent.name == "data" and path.stem.startswith("01_") and _picture(source, name).size == WHOLE_SIZE:
            places.setdefault("_".join(path.stem.split("_")[2:4]), []).append(name)
    if len(places) <= TEST_PLACES:
        raise BadConfig(
            detail=f"the source holds {len(places)} places of the spindle; expected BSData with its folders data and label"
        )
    tested = Random(0).sample(sorted(places), TEST_PLACES)  # it picks pictures, no secrets
    for place, names in places.items():
        good = [name for name in names if PurePosixPath(name).stem not in labels]
        if place not in tested:
            _copy(source, good[::2], layout, TRAIN)
            continue
        last = GOOD_OF_A_PLACE - 1
        _copy(source, [good[round(i * (len(good) - 1) / last)] for i in range(GOOD_OF_A_PLACE)], layout, TESTED)
        pitted = [name for name in names if PurePosixPath(name).stem in labels]
        _copy(source, pitted, layout, "test/pitting")
        for stem in (PurePosixPath(name).stem for name in pitted):
            mask = Image.new("L", WHOLE_SIZE)
            for shape in json.loads(source.read(labels[stem]))["shapes"]:
                ImageDraw.Draw(mask).polygon([(x, y) for x, y in shape["points"]], fill=255)
            layout.put_mask("pitting", stem, mask)


def cells(source: Source, layout: Layout, kind: str) -> None:
    """Those of a kind that are surely good or surely defective."""
    try:
        rows = [line.split() for line in source.read("labels.csv").decode().splitlines()]
        good, bad = ([name for name, defective, its in rows if its == kind and float(defective) == wanted] for wanted in (0, 1))
    except (OSError, LookupError, ValueError) as error:
        raise BadConfig(detail=f"the source: {error}; expected the folder of ELPV's labels.csv") from error
    random = Random(0)  # it picks pictures, no secrets
    random.shuffle(good)
    random.shuffle(bad)
    train, tested, defective = CELLS
    _copy(source, good[:train], layout, TRAIN)
    _copy(source, good[train : train + tested], layout, TESTED)
    _copy(source, bad[:defective], layout, "test/defective")


def tire(source: Source, layout: Layout) -> None:
    """Pictures without their heights. Those that were published for validation are tested with the other good ones."""
    for name in source.below("train/good/rgb", ".png"):
        layout.put(TRAIN, PurePosixPath(name).name, source.read(name))
    for name in source.below("validation/good/rgb", ".png"):
        layout.put(TESTED, f"val_{PurePosixPath(name).name}", source.read(name))
    for name in source.below("test", ".png"):
        _, kind, what, file = PurePosixPath(name).parts
        if what == "rgb":
            layout.put(f"test/{kind}", file, source.read(name))
        elif what == "gt" and kind != "good":
            layout.put_mask(kind, PurePosixPath(file).stem, two_valued(_picture(source, name).convert("L"), 1))


def papers(source: Source, layout: Layout) -> None:
    """All papers of which there are defective pictures. All crops of a sheet are trained on, or all tested."""
    by_paper = defaultdict(list)
    for name in source.names:
        if name.startswith("PA_") and _CROP.search(name):
            by_paper[name.split("/")[0]].append(name)
    for names in by_paper.values():
        sheets = sorted({_sheet(name) for name in names if "/NoDefects/" in name})
        tested = sheets[: len(sheets) // _SHEETS]
        for name in names:
            file = PurePosixPath(name).name
            if "/NoDefects/" in name:
                layout.put_new(TESTED if _sheet(name) in tested else TRAIN, file, source.read(name))
            elif PurePosixPath(name).parent.name == "Defects":
                layout.put_new("test/impurity", file, source.read(name))
            else:  # the folder of masks is spelt in two ways; they show impurities in black
                mask = two_valued(_picture(source, name).convert("L"), 128).point(lambda value: 255 - value)
                layout.put_mask(
                    "impurity", _MASK_OF.sub(lambda found: f"_D_{int(found[1]):02d}_", PurePosixPath(file).stem), mask
                )


def _sheet(name: str) -> str:
    found = _CROP.search(name)
    return found[1] if found else ""


def _picture(source: Source, name: str) -> Image.Image:
    return Image.open(io.BytesIO(source.read(name)))


def _copy(source: Source, names: list[str], layout: Layout, folder: str) -> None:
    for name in names:
        layout.put(folder, PurePosixPath(name).name, source.read(name))


BALLSCREW: Final = PublishedSet(
    name="ballscrew",
    title="a ball screw's spindle that wears (BSData)",
    content="A ball screw's spindle that wears until its track is pitted, in colour. Of each of 15 places along it there is a "
    "row of pictures over ten days; the places of the test pictures are others than those that training sees. Schlagenhauf and "
    "Landwehr, Industrial machine tool component surface defect dataset, Data in Brief 39, 2021.",
    repository="2Obe/BSData",
    commit="7204b28a621733c01cd75899ed9ea27f6ea0b9e3",
    folder="",
    licence="CC BY-SA 4.0",
    lay_out=ballscrew,
)
MONOCRYSTALLINE: Final = PublishedSet(
    name="cells",
    title="monocrystalline solar cells (ELPV)",
    content="Monocrystalline solar cells that glow under current, grey, without masks. Buerhop-Lutz et al., A benchmark for "
    "visual identification of defective solar cells in electroluminescence imagery, EU PVSEC 2018.",
    repository="zae-bayern/elpv-dataset",
    commit="411fd729dad19511883306aa85e52f1962cba581",
    folder="src/elpv_dataset/data",
    licence="CC BY-NC-SA 4.0",
    lay_out=partial(cells, kind="mono"),
)
POLYCRYSTALLINE: Final = PublishedSet(
    name="polycells",
    title="polycrystalline solar cells (ELPV)",
    content="As cells, polycrystalline.",
    repository=MONOCRYSTALLINE.repository,
    commit=MONOCRYSTALLINE.commit,
    folder=MONOCRYSTALLINE.folder,
    licence=MONOCRYSTALLINE.licence,
    lay_out=partial(cells, kind="poly"),
)
TIRE: Final = PublishedSet(
    name="tire",
    title="tyres (MVTec 3D-AD, pictures alone)",
    content="Tyres, in colour but dark, with cuts, holes and dirt of about 0.2 % of the picture, with masks. Training and test "
    "pictures were not taken alike: their sharpness tells them apart. Bergmann et al., The MVTec 3D-AD dataset for "
    "unsupervised 3D anomaly detection and localization, VISAPP 2022.",
    repository="yagamieren09/Automated-Defect-Detection-System-using-AI-vision",
    commit="bd3a0214078903388351d4292c82a09ad8800fbf",
    folder="dataset/mvtec_3d/tire",
    licence="CC BY-NC-SA 4.0",
    lay_out=tire,
)
PAPERS: Final = PublishedSet(
    name="paper_all",
    title="twelve papers with impurities (PIPED)",
    content="Twelve papers with and without impurities in one set, in colour, with masks; small crops of scanned sheets.",
    repository="bianconif/PIPED",
    commit="3d89e1f3f0d7b31f34d523cd7c73e3fb00dee567",
    folder="data",
    licence="CC BY 4.0",
    lay_out=papers,
)
