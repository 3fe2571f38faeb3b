"""The pictures that a threshold rests on: which they are, and which of them turned out to be no good parts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from snag.core.artifact import Artifact
from snag.core.errors import BadDataset, NoPictures
from snag.core.file_names import spelled
from snag.core.picture_files import picture_files
from snag.labels.picture_list import PictureIndex, read_lines
from snag.training.calibration.highest import FILE
from snag.training.calibration.settings import CalibrateSettings
from snag.training.data.dataset import digest_of, good_pictures
from snag.training.data.split import read_split


@dataclass(frozen=True)
class CalibrationSet:
    """Pictures to calibrate on."""

    paths: list[Path]
    root: Path  #: the folder that their names are relative to
    left_out: tuple[str, ...] = ()  #: names of those that a person said are no good parts
    lots: tuple[str, ...] = ()  #: the lot of each, where the split was by lots


def calibration_set(settings: CalibrateSettings, artifact: Artifact) -> CalibrationSet:
    """The pictures to calibrate on.

    Raises NoPictures, BadDataset for pictures that the model was not trained on, BadConfig for a list that is none.
    """
    kept = _kept(settings, artifact)
    return _without(kept, settings.exclude) if settings.exclude else kept


def pictures_below(folder: Path, expected: str) -> list[Path]:
    """Every picture in the folder or below it, sorted; what is left out is printed. Raises NoPictures."""
    found = picture_files(folder).required(expected)
    if found.sentence:
        print(found.sentence)
    return found.pictures


def _kept(settings: CalibrateSettings, artifact: Artifact) -> CalibrationSet:
    if settings.good is not None:
        return CalibrationSet(pictures_below(settings.good, "good pictures to calibrate on"), settings.good)
    chosen = read_split(settings.run / "split.json")
    names = chosen.calibrate
    if not names:
        raise NoPictures(
            folder=f"the calibration share of {settings.run}", expected="good pictures of another folder in --good"
        )
    if digest_of(good_pictures(settings.data), settings.data) != artifact.settings["data_digest"]:
        raise BadDataset(
            detail=f"{settings.data} does not hold the pictures that {artifact.path} was trained on, or no longer the same; "
            "name them with --data, or other good ones with --good"
        )
    return CalibrationSet([settings.data / name for name in names], settings.data, lots=chosen.lots)


def _without(kept: CalibrationSet, listed: Path) -> CalibrationSet:
    """`kept` but for those that the text file `listed` names, one a line, relative to its root."""
    index = PictureIndex(kept.paths, kept.root)
    places = {line: index.place(line) for line in read_lines(listed)}
    if strangers := sorted(line for line, place in places.items() if place is None):
        raise BadDataset(
            detail=f"{listed} names {spelled(strangers[0])}, which is none of the {len(kept.paths)} calibration pictures; "
            f"expected paths below {kept.root}, as in {FILE}"
        )
    named = {kept.paths[place] for place in places.values() if place is not None}
    left = [path for path in kept.paths if path not in named]
    if not left:
        raise NoPictures(folder=kept.root, expected=f"a calibration picture that {listed} does not name")
    names = tuple(spelled(path.relative_to(kept.root).as_posix()) for path in sorted(named))
    lots = tuple(lot for path, lot in zip(kept.paths, kept.lots, strict=False) if path not in named)
    return CalibrationSet(left, kept.root, names, lots)
