"""Draws the embedded sample: photographs of screws in MVTec's layout, good ones and five kinds of defect with their masks."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

from pydantic import Field
from tqdm import tqdm

from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadDataset
from snag.samples.kit.folders import write_drawn
from snag.samples.screw_defects import DEFECTS
from snag.samples.screw_sample import draw
from snag.training.data.folders import whole_folder

#: Raised when the drawing changes, so that an old sample is drawn again.
EDITION: Final = 1
MARKER: Final = "sample.json"
_COMPRESS_LEVEL: Final = 4  #: quicker than the usual 6, the files hardly larger


class SampleSettings(Settings):
    """Draw the embedded sample: screws at any angle and exposure, good and defective, with masks (MVTec layout)."""

    data: Path = Field(Path("data/sample"), description="folder to draw into")
    seed: int = Field(0, ge=0, description="same seed, same pictures")
    size: int = Field(320, ge=256, le=512, description="pixels on a side")
    lamp: bool = Field(False, description="the lamp trap: defective parts stand under a brighter lamp than good ones")
    train_good: int = Field(200, ge=1, description="good pictures to train with")
    test_good: int = Field(24, ge=1, description="good pictures to test with")
    each_defect: int = Field(12, ge=1, description="pictures of each kind of defect")


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
            drawn = draw(name, index, settings.seed, settings.size, settings.lamp)
            mask = None if name.endswith("/good") else drawn.mask
            write_drawn(folder, name, index, drawn.picture, mask, _COMPRESS_LEVEL)
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
