"""What the control looks at: which good pictures it remembers and calibrates on, and how each picture is prepared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from snag.core.artifact import load_artifact
from snag.core.picture import PictureLimits
from snag.detector.memory import FINER
from snag.training.data.dataset import LIMITS, good_pictures, read
from snag.training.data.near_duplicates import near_duplicates
from snag.training.data.split import read_split, split_good
from snag.training.data.survey import survey
from snag.training.data.white import white_of_set
from snag.training.fit.working_size import BLOCK
from snag.training.modes import FALLBACK, choose


@dataclass(frozen=True)
class ControlPictures:
    """Good pictures, and a preparation."""

    mode: str
    fit: Sequence[Path]  #: what may be remembered
    calibrate: Sequence[Path]
    prepare: Callable[[Tensor], Tensor | None]  #: decoded [C, H, W] -> [c, h, w], sides multiples of BLOCK; None: it can't be
    limits: PictureLimits  #: what is read, and where white is

    def decoded(self, path: Path) -> Tensor:
        """[C, H, W]. Raises UnreadablePictures."""
        return read(path, self.limits)

    def prepared(self, path: Path) -> Tensor | None:
        """The same, prepared."""
        return self.prepare(self.decoded(path))


def of_run(data: Path, folder: Path, scale: float) -> ControlPictures:
    """As a run prepares and splits them, `scale` times as large as its networks see them. Raises BadArtifact."""
    artifact, split = load_artifact(folder / "snag.pt"), read_split(folder / "split.json")

    @torch.inference_mode()
    def prepare(picture: Tensor) -> Tensor | None:
        found, _, reason = artifact.script.prepare(picture)
        return None if reason else _times(found, scale / finer)

    finer = 1 if artifact.settings.get("memory_weight") is None else FINER
    fit, calibrate = ([data / name for name in names] for names in (split.fit, split.calibrate))
    return ControlPictures(artifact.settings["mode"], fit, calibrate, prepare, artifact.limits)


def of_whole_pictures(data: Path, scale: float, seed: int) -> ControlPictures:
    """Split as training would split them, and whole, as mode `full_frame` has them, whatever mode they would ask for.

    A `scale` of more than 1 takes as many more of a picture's own pixels; where it has no more, it is enlarged. Raises
    NoPictures, TooFewPictures, UnreadablePictures.
    """
    paths = good_pictures(data)
    limits = replace(LIMITS, white=white_of_set(paths, LIMITS))
    names = [path.relative_to(data).as_posix() for path in paths]
    summaries = dict(zip(names, survey(paths, limits), strict=True))
    split = split_good(names, near_duplicates([one.cells for one in summaries.values()]), (None, None), seed, None, data)
    fitted = [summaries[name] for name in split.fit]
    usual = choose(fitted, mode=FALLBACK.name).module
    module = choose(fitted, mode=FALLBACK.name, pixels=round(scale**2 * usual.height * usual.width)).module
    missing = scale * (usual.height * usual.width / (module.height * module.width)) ** 0.5

    @torch.inference_mode()
    def prepare(picture: Tensor) -> Tensor | None:
        found = module(picture)
        return None if found.reason else _times(found.picture, max(1.0, missing))

    fit, calibrate = ([data / name for name in names] for names in (split.fit, split.calibrate))
    return ControlPictures(FALLBACK.name, fit, calibrate, prepare, limits)


def _times(picture: Tensor, scale: float) -> Tensor:
    """A prepared picture [c, h, w] so many times larger, its sides multiples of BLOCK."""
    height, width = (BLOCK * max(1, round(scale * side / BLOCK)) for side in picture.shape[1:])
    if (height, width) == tuple(picture.shape[1:]):
        return picture
    return functional.interpolate(picture[None], (height, width), mode="bilinear", antialias=scale < 1)[0]
