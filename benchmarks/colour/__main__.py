"""`python -m benchmarks.colour`: draws the sets in colour of `snag.samples.colour_sets`, to judge a detector on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadConfig
from snag.samples.colour_sets import draw_set
from snag.training.data.folders import whole_folder


class ColourSettings(Settings):
    """Draw data/tablet, nut, cloth, board, cable, panel and bottle in MVTec layout, in colour, with defects and their masks."""

    out: Path = Field(Path("data"), description="folder of the data sets")
    sets: list[Literal["tablet", "nut", "cloth", "board", "cable", "panel", "bottle"]] = Field(
        ["tablet", "nut", "cloth", "board", "cable", "panel", "bottle"],
        min_length=1,
        description="which of them, as in tablet,board",
    )
    train: int = Field(160, ge=1, description="good pictures to train on")
    good: int = Field(40, ge=1, description="good pictures to test on")
    each: int = Field(12, ge=1, description="pictures of each kind of defect")
    seed: int = Field(0, ge=0, description="the same seed draws the same pictures")


def colour(settings: ColourSettings) -> None:
    """Draw them. Raises BadConfig where a folder is there already."""
    folders = {name: settings.out / name for name in settings.sets}
    if there := [str(folder) for folder in folders.values() if folder.exists()]:
        raise BadConfig(detail=f"{' and '.join(there)} is there already; remove it, or choose another folder with --out")
    for name, folder in folders.items():
        with whole_folder(folder) as whole:
            draw_set(name, whole, settings.train, settings.good, settings.each, settings.seed)
        print(folder)


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: colour(from_flags(ColourSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
