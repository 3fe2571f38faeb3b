"""Draws the embedded sample: photographs of screws in MVTec's layout, good ones and five kinds of defect with their masks."""

from __future__ import annotations

import json
import time
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from scipy.ndimage import binary_closing, binary_fill_holes, label
from tqdm import tqdm

from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadDataset
from snag.samples.screw import GOOD, draw_part
from snag.samples.screw_defects import DEFECTS
from snag.samples.screw_picture import LAMP, draw_scene, lay, photograph
from snag.training.data.folders import whole_folder

#: Raised when the drawing changes, so that an old sample is drawn again.
EDITION: Final = 1
#: A pixel is changed by a defect when it differs by so many of 255 levels from the same photograph of the sound part.
VISIBLE: Final = 8
#: Each defect changes at least so many pixels of a picture of 320 x 320, one of them by at least so many levels.
LEAST_AREA: Final = 40
LEAST_CONTRAST: Final = 24
MARKER: Final = "sample.json"


class SampleSettings(Settings):
    """Draw the embedded sample: screws at any angle and exposure, good and defective, with masks (MVTec layout)."""

    data: Path = Field(Path("data/sample"), description="folder to draw into")
    seed: int = Field(0, ge=0, description="same seed, same pictures")
    size: int = Field(320, ge=256, le=512, description="pixels on a side")
    lamp: bool = Field(False, description="the lamp trap: defective parts stand under a brighter lamp than good ones")
    train_good: int = Field(200, ge=1, description="good pictures to train with")
    test_good: int = Field(24, ge=1, description="good pictures to test with")
    each_defect: int = Field(12, ge=1, description="pictures of each kind of defect")


@dataclass(frozen=True)
class Drawn:
    """A picture [size, size], its mask (255 where the defect shows, for good parts 0), and the picture of the sound part."""

    picture: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    sound: NDArray[np.uint8]


def draw(folder: str, index: int, seed: int, size: int, lamp: bool = False) -> Drawn:
    """The picture `index` of a folder as 'test/dent': depends on nothing but the arguments, and on no other picture."""
    entropy = (seed, zlib.crc32(folder.encode()), index)
    part_rng, scene_rng, defect_rng = (np.random.default_rng((*entropy, stream)) for stream in range(3))
    # Golden steps spread the exposures of each folder evenly over their range: none is brighter than another by bad luck.
    exposure = (np.random.default_rng(entropy[:2]).random() + index * 0.6180339887) % 1
    part, scene = draw_part(part_rng), draw_scene(scene_rng, exposure)
    kind = folder.split("/")[-1]
    if lamp and kind != "good":
        scene = replace(scene, gain=scene.gain * LAMP)
    whole = lay(part, GOOD, scene, size, np.random.default_rng((*entropy, 3)))
    # The shadow of the sound part throughout: so soft that none sees it, and no mask takes in what lies beside the part.
    sound = photograph(whole, whole.cover, scene, np.random.default_rng((*entropy, 4)))
    if kind == "good":
        return Drawn(sound, np.zeros_like(sound), sound)
    while True:  # a scratch in a dark facet may not show: draw another; most show at once
        defective = lay(part, DEFECTS[kind](part, defect_rng), scene, size, np.random.default_rng((*entropy, 3)))
        picture = photograph(defective, whole.cover, scene, np.random.default_rng((*entropy, 4)))
        change = np.abs(picture.astype(np.int16) - sound)
        mask = mask_of(change)
        if (mask > 0).sum() >= LEAST_AREA * (size / 320) ** 2 and change.max() >= LEAST_CONTRAST:
            return Drawn(picture, mask, sound)


def mask_of(change: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Levels of change [h, w] -> mask 0 or 255: what changed visibly, gaps closed as an annotator would, without specks."""
    seen = np.pad(change >= VISIBLE, 3)
    closed = binary_fill_holes(binary_closing(seen, iterations=2))[3:-3, 3:-3]
    regions, _ = label(closed, structure=np.ones((3, 3)))
    areas = np.bincount(regions.ravel())
    areas[0] = 0
    keep = areas >= min(8, areas.max(initial=1))
    return np.where(keep[regions], 255, 0).astype(np.uint8)


def write_sample(settings: SampleSettings) -> bool:
    """Draw the sample into `settings.data`, unless it holds just that one; tells whether it drew.

    Raises BadDataset when the folder holds something else, DiskFull.
    """
    wanted = {"edition": EDITION, **settings.model_dump(exclude={"data"})}
    counts = {"train/good": settings.train_good, "test/good": settings.test_good}
    counts |= {f"test/{kind}": settings.each_defect for kind in DEFECTS}
    if settings.data.exists():
        if _settings_of(settings.data) == wanted and all(_holds(settings.data / name, n) for name, n in counts.items()):
            return False
        if not (settings.data / MARKER).is_file() and any(settings.data.iterdir()):
            raise BadDataset(detail=f"{settings.data} was not drawn by snag.training.sample; name another folder with --data")
    with whole_folder(settings.data) as folder:
        places = [(name, index) for name, count in counts.items() for index in range(count)]
        for name, index in tqdm(places, desc="drawing the sample", unit="picture", disable=None):
            _write_picture(folder, name, index, draw(name, index, settings.seed, settings.size, settings.lamp))
        (folder / MARKER).write_text(json.dumps(wanted, indent=2) + "\n")
    return True


def _settings_of(folder: Path) -> object:
    try:
        return json.loads((folder / MARKER).read_text())
    except (OSError, ValueError):
        return None


def _holds(folder: Path, count: int) -> bool:
    masks = folder.parents[1] / "ground_truth" / folder.name
    return len(list(folder.glob("*.png"))) == count and (folder.name == "good" or len(list(masks.glob("*.png"))) == count)


def _write_picture(folder: Path, name: str, index: int, drawn: Drawn) -> None:
    _save(drawn.picture, folder / name / f"{index:03d}.png")
    kind = name.split("/")[-1]
    if kind != "good":
        _save(drawn.mask, folder / "ground_truth" / kind / f"{index:03d}_mask.png")


def _save(pixels: NDArray[np.uint8], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, compress_level=4)


def main(argv: list[str] | None = None) -> int:
    """The command."""

    def command() -> None:
        settings = from_flags(SampleSettings, argv)
        started = time.perf_counter()
        if not write_sample(settings):
            print(f"{settings.data} holds this sample already")
            return
        good, defective = settings.train_good + settings.test_good, settings.each_defect * len(DEFECTS)
        print(
            f"drew {good} good and {defective} defective pictures into {settings.data} in {time.perf_counter() - started:.1f} s"
        )

    return run(command)


if __name__ == "__main__":
    raise SystemExit(main())
