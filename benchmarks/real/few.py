"""A data set with few of its good pictures, made of links; the test is the same."""

from __future__ import annotations

from pathlib import Path
from random import Random

from benchmarks.accuracy.sets import name_of_few
from snag.core.picture_files import picture_files
from snag.training.data.folders import whole_folder


def with_few(data: Path, count: int, seed: int, folder: Path) -> Path | None:
    """Make the set in `folder`, anew over an earlier one; where it lies, or None where there are no more than `count` anyway.

    Those of a smaller count are among those of a greater one, so that what is compared is the number more than the luck.
    """
    good = picture_files(data / "train" / "good").pictures
    if len(good) <= count:
        return None
    Random(seed).shuffle(good)  # it picks pictures, no secrets
    made = folder / name_of_few(data.name, count)
    with whole_folder(made) as whole:
        for picture in good[:count]:
            link = whole / picture.relative_to(data)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(picture.resolve())
        for part in ("test", "ground_truth"):
            if (data / part).is_dir():
                (whole / part).symlink_to((data / part).resolve(), target_is_directory=True)
    return made
