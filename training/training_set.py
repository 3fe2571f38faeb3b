"""What a run learns from: the good pictures split in three, prepared, and how defects are drawn on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from snag.core.errors import TooFewPictures
from snag.detector.centred_crop import LocatedPreparation
from snag.detector.preparation import AlignedPreparation, WholePreparation
from snag.training.augment.defects import MATERIALS, Surface
from snag.training.augment.symmetry import Symmetry, symmetry
from snag.training.augment.variation import variation
from snag.training.data.dataset import LEAST_PICTURES, digest_of, good_pictures, read
from snag.training.data.split import Split, near_duplicates, shortfall, split
from snag.training.data.survey import Look, survey
from snag.training.fit.choose_preparation import ENOUGH, Chosen, choose_preparation, measured
from snag.training.prepared_cache import prepared_pictures, to_tensor
from snag.training.run.progress import progress
from snag.training.settings import TrainSettings


@dataclass(frozen=True)
class Material:
    """What a run learns from."""

    fit: Sequence[Tensor]  #: [c, h, w] float32
    standardise: Sequence[Tensor]  #: the same; may be none
    chosen: Chosen
    split: Split
    data_digest: str

    @cached_property
    def surface(self) -> Surface | None:
        """How defects are drawn where the picture is whole, registered or not."""
        if self.chosen.mode == "aligned":
            return None
        return Surface(variation(self.fit), materials=MATERIALS if self.chosen.mode == "registered" else 0.0)

    @property
    def usual(self) -> Tensor | None:
        """[c, h, w]: what a scene looks like; None where the pictures show no one scene."""
        module = self.chosen.module
        return module.usual if isinstance(module, WholePreparation) and module.registration is not None else None

    @property
    def background(self) -> float | np.ndarray | None:
        """What lies around a part, as prepared: its grey value, or of each channel [c, 1, 1]; None where no part is known."""
        module = self.chosen.module
        if isinstance(module, LocatedPreparation):
            return module.table.numpy()
        return module.level if isinstance(module, AlignedPreparation) else None

    @cached_property
    def symmetry(self) -> Symmetry:
        """What pictures may be turned and mirrored by; aligned parts and registered scenes have one pose."""
        return symmetry(self.fit) if self.chosen.mode in ("located", "whole") else Symmetry()


def prepare_material(settings: TrainSettings) -> Material:
    """What a run with these settings would learn from; leaves the split that another run may have written."""
    paths = good_pictures(settings.data)
    return material_of(settings, paths, digest_of(paths, settings.data))


def material_of(settings: TrainSettings, paths: list[Path], digest: str) -> Material:
    """Split the good pictures, choose the preparation by the fit pictures alone, and prepare what training needs."""
    names = [path.relative_to(settings.data).as_posix() for path in paths]
    looks = dict(zip(names, survey(paths), strict=True))
    chosen_split = _split(settings, looks)
    chosen = choose_preparation(
        [looks[name] for name in chosen_split.fit],
        mode=settings.mode,
        colour=settings.colour,
        pixels=settings.pixels,
        centre=0.5,
        spread=0.15,
        raw=settings.exposure == "raw",
    )
    some = chosen_split.fit[:: max(1, len(chosen_split.fit) // ENOUGH)]
    chosen = measured(chosen, lambda: (read(settings.data / name) for name in progress(some, "usual look", "picture")))
    print(f"{chosen.mode} pictures of {chosen.module.channels} x {chosen.module.height} x {chosen.module.width}; {chosen.why}")
    sets = []
    for part in (chosen_split.fit, chosen_split.standardise):
        prepared, reasons = prepared_pictures(settings.data, part, chosen.module, settings.run / "cache", digest)
        usable = [i for i in range(len(part)) if not reasons[i]]
        if len(usable) < len(part):
            print(f"left out {len(part) - len(usable)} good pictures whose part or scene could not be aligned")
        sets.append([to_tensor(prepared[i]) for i in usable])
    return Material(sets[0], sets[1], chosen, chosen_split, digest)


def _split(settings: TrainSettings, looks: dict[str, Look]) -> Split:
    groups = near_duplicates(torch.stack([one.thumbnail for one in looks.values()]))
    shares = (settings.standardise_share, settings.calibrate_share)
    chosen = split(list(looks), groups, shares, settings.seed)
    if len(chosen.fit) < 2 or (settings.calibrate_share != 0 and not chosen.calibrate):
        folder = settings.data / "train" / "good"
        raise TooFewPictures(found=f"{len(set(groups))} different", folder=folder, needed=f"{LEAST_PICTURES} different ones")
    if sentence := shortfall(len(chosen.calibrate)):
        print(sentence)
    return chosen
