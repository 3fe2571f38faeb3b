"""Published pictures of parts: pills, impellers, screws in a block, toys, cookies."""

from __future__ import annotations

import io
import re
from pathlib import PurePosixPath
from random import Random
from typing import Final

from PIL import Image

from benchmarks.published.layout import TESTED, TRAIN, Layout, as_png, good_folder, two_valued
from benchmarks.published.published_set import PublishedSet
from benchmarks.published.source import Source

#: Good pills to test on; the others are to train on.
GOOD_PILLS: Final = 40
#: A photograph of the block of screws: its number, and whether there is a screw (1) in each of the four holes ...
_BLOCK: Final = re.compile(r"(\d+)_([01]{4})\.jpg")
#: ... and where these are, as its publisher says: left, upper, right and lower ends, pixels.
HOLES: Final = ((5, 69, 261, 326), (305, 69, 561, 326), (5, 429, 261, 686), (305, 429, 561, 686))
#: Opacity from which on a pixel of a cookie's mask counts.
_OPAQUE: Final = 128


def pills(source: Source, layout: Layout) -> None:
    """All that are chipped or dirty, and good ones of the same shots as those to train on."""
    good = source.below("images/normal")
    Random(0).shuffle(good)  # it picks pictures, no secrets
    parts = {TRAIN: good[GOOD_PILLS:], TESTED: good[:GOOD_PILLS]}
    for folder, names in (parts | {f"test/{kind}": source.below(f"images/{kind}") for kind in ("chip", "dirt")}).items():
        for name in names:
            layout.put(folder, PurePosixPath(name).name, source.read(name))


def casting(source: Source, layout: Layout) -> None:
    """As published, but for defective pictures to train on, and for good ones to train on that are tested as well."""
    folders = {"train/ok_front": TRAIN, "test/ok_front": TESTED, "test/def_front": "test/defect"}
    for published, folder in folders.items():
        for name in source.below(published):
            layout.put_new(folder, PurePosixPath(name).name, source.read(name))


def screw_block(source: Source, layout: Layout) -> None:
    """Each hole is a picture of its own, stored without further loss. All good ones of a photograph are on one side."""
    for name in source.names:
        photograph = _BLOCK.fullmatch(PurePosixPath(name).name)
        if photograph is None:
            continue
        with Image.open(io.BytesIO(source.read(name))) as opened:
            picture = opened.convert("RGB")
        for number, (hole, filled) in enumerate(zip(HOLES, photograph[2], strict=True)):
            folder = good_folder(photograph[0]) if filled == "1" else "test/missing"
            layout.put(folder, f"{photograph[1].zfill(3)}_{number}.png", as_png(picture.crop(hole)))


def alien_toy(source: Source, layout: Layout) -> None:
    """All that are broken, and a share of the whole ones to test on."""
    for name in source.below("normal", ".png"):
        layout.put(good_folder(name), PurePosixPath(name).name, source.read(name))
    for name in source.below("anomaly", ".png"):
        layout.put("test/broken", PurePosixPath(name).name, source.read(name))


def cookie(source: Source, layout: Layout) -> None:
    """As published, but for cracked ones to train on, which are tested: they alone have masks, of which opacity says where."""
    for name in source.below("dataset-files/training-images", ".jpg"):
        file = PurePosixPath(name).name
        layout.put(TRAIN if file.startswith("normal") else "test/cracked", file, source.read(name))
    for name in source.below("test-images", ".jpg"):
        file = PurePosixPath(name).name
        layout.put(TESTED if file.startswith("test-normal") else "test/cracked", file, source.read(name))
    for name in source.below("dataset-files/mask-images", ".png"):
        with Image.open(io.BytesIO(source.read(name))) as opened:
            opacity = opened.convert("RGBA").getchannel("A")
        layout.put_mask("cracked", PurePosixPath(name).stem, two_valued(opacity, _OPAQUE))


PILLS: Final = PublishedSet(
    name="pills",
    title="round tablets on a mat (PillQC)",
    content="Round tablets on a mat, in colour, chipped or dirty, without masks.",
    repository="matlab-deep-learning/pillQC",
    commit="9c0a8ecdca0a3797e784412de077a30ae2c50b3c",
    folder="",
    licence="MathWorks' own",
    lay_out=pills,
)
CASTING: Final = PublishedSet(
    name="casting",
    title="cast impellers of pumps",
    content="Impellers of pumps, cast, grey, with blowholes, burrs and dents, without masks. The defective ones are brighter.",
    repository="maomao7784/Casting-Product-Quality-Inspection",
    commit="38ce5fee0df4bdca1d99a4e45a26fdb847683e53",
    folder="data/casting_data",
    licence="none stated",
    lay_out=casting,
)
SCREW_BLOCK: Final = PublishedSet(
    name="screw_block",
    title="holes of a block, with a screw or without",
    content="Holes of a block, in colour: a screw is there, or it is missing. Cut from photographs of four, without masks.",
    repository="aaronzink/tensorflow-visual-inspection",
    commit="21f7b2cdd23486619bedbd285498ec3f4b8a9757",
    folder="datasets/screws/train_val_set",
    licence="Apache 2.0",
    lay_out=screw_block,
)
ALIEN_TOY: Final = PublishedSet(
    name="alien_toy",
    title="toy figures, whole or broken",
    content="Toy figures, in colour, whole or broken, without masks; few good ones.",
    repository="aws-samples/amazon-lookout-for-vision",
    commit="14bed61caa82d07bcbd32ca583359eacfd954c30",
    folder="aliens-dataset",
    licence="CC BY-SA 4.0, its code MIT-0",
    lay_out=alien_toy,
)
COOKIE: Final = PublishedSet(
    name="cookie",
    title="cookies, whole or cracked",
    content="Cookies, in colour, whole or cracked, most of the cracked ones with masks; very few good ones.",
    repository=ALIEN_TOY.repository,
    commit=ALIEN_TOY.commit,
    folder="computer-vision-defect-detection/cookie-dataset",
    licence=ALIEN_TOY.licence,
    lay_out=cookie,
)
