"""What a run learns from: the good pictures split in three, prepared in the mode that they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from torch import Tensor

from snag.core.errors import BadDataset
from snag.core.picture import PictureLimits
from snag.detector.geometry import block_means
from snag.training.augment.symmetry import Symmetry, symmetry
from snag.training.augment.variation import Variation, variation
from snag.training.data.dataset import digest_of, good_pictures, read
from snag.training.data.lots import basis, lots_of
from snag.training.data.near_duplicates import near_duplicates
from snag.training.data.split import Split, shortfall, split_good
from snag.training.data.survey import PictureSummary, survey
from snag.training.data.white import white_of_set
from snag.training.modes import Choice, choose
from snag.training.modes.mode import some_of
from snag.training.prepared_cache import PreparedPictures, prepared_pictures
from snag.training.run.progress import progress
from snag.training.settings import TrainSettings


@dataclass(frozen=True)
class TrainingSet:
    """What a run learns from."""

    prepared: Sequence[Tensor]  #: [c, H, W] float32: what the memory remembers places of
    fit: Sequence[Tensor]  #: [c, h, w] float32: the same pictures as the networks see them
    standardise: Sequence[Tensor]  #: others, [c, H, W] float32; may be none
    choice: Choice
    split: Split
    data_digest: str
    limits: PictureLimits  #: what was read, and where white is

    @cached_property
    def variation(self) -> Variation:
        """What good pictures differ by anyway."""
        return variation(self.fit)

    @cached_property
    def symmetry(self) -> Symmetry:
        """What pictures may be turned and mirrored by; none where the mode gives all of them one pose."""
        return symmetry(self.fit) if self.choice.mode.has_symmetries else Symmetry()


def read_training_set(settings: TrainSettings) -> TrainingSet:
    """What a run with these settings would learn from; leaves the split that another run may have written."""
    paths = good_pictures(settings.data)
    return training_set_of(settings, paths, digest_of(paths, settings.data))


def training_set_of(settings: TrainSettings, paths: list[Path], digest: str) -> TrainingSet:
    """Split the good pictures, choose the mode by the fit pictures alone, and prepare what training needs.

    Raises BadDataset where nothing is left that could tell what is usual.
    """
    names = [path.relative_to(settings.data).as_posix() for path in paths]
    limits = replace(settings.limits, white=white_of_set(paths, settings.limits))
    if limits.white is not None:
        print(f"pictures of 16 bits: white is {limits.white} ({limits.white.bit_length()} bits), for none goes beyond")
    summaries = dict(zip(names, survey(paths, limits), strict=True))
    parts = _split(settings, summaries)
    choice = choose(
        [summaries[name] for name in parts.fit],
        mode=settings.mode,
        colour=settings.colour,
        pixels=settings.pixels,
        raw=settings.exposure == "raw",
        finer=settings.finer,
    ).completed(lambda: (read(settings.data / name, limits) for name in progress(some_of(parts.fit), "usual look", "picture")))
    print(f"{choice.mode.name}: {choice.mode.phrase}, {_size(choice, settings.finer)}; {choice.fit.why}")
    prepared, standardise = (_prepare(settings, choice, part, digest, limits) for part in (parts.fit, parts.standardise))
    if settings.features and not standardise:
        raise BadDataset(
            detail=f"of {len(parts.standardise)} good pictures that were to tell what is usual, none could be aligned: "
            "expected more good pictures, or another --mode"
        )
    fit = prepared if settings.finer == 1 else [block_means(picture, settings.finer) for picture in prepared]
    return TrainingSet(prepared, list(fit), list(standardise), choice, parts, digest, limits)


def _size(choice: Choice, finer: int) -> str:
    """What is prepared, at most, and what the networks see of it."""
    module = choice.module
    prepared = f"{module.channels} x {module.height} x {module.width}"
    return prepared if finer == 1 else f"{prepared}, to the networks {module.height // finer} x {module.width // finer}"


def _prepare(
    settings: TrainSettings, choice: Choice, names: Sequence[str], digest: str, limits: PictureLimits
) -> PreparedPictures:
    """Prepared pictures, without those that could not be aligned."""
    prepared, reasons = prepared_pictures(settings.data, names, choice.module, settings.run / "cache", digest, limits)
    usable = [picture for picture, reason in zip(prepared, reasons, strict=True) if not reason]
    if len(usable) < len(names):
        print(f"left out {len(names) - len(usable)} good pictures whose part or scene could not be aligned")
    return PreparedPictures(usable)


def _split(settings: TrainSettings, summaries: dict[str, PictureSummary]) -> Split:
    names = list(summaries)
    lots = lots_of(settings.lots, names, settings.data) if settings.lots else None
    groups = near_duplicates([summary.cells for summary in summaries.values()])
    shares = (settings.standardise_share, settings.calibrate_share)
    chosen = split_good(names, groups, shares, settings.seed, lots, settings.data)
    if chosen.near_duplicates:
        print(f"{len(names)} good pictures show {len(set(groups))} different parts: near-duplicates count as one")
    if sentence := basis(chosen.lots):
        print(sentence)
    if sentence := shortfall(len(chosen.calibrate)):
        print(sentence)
    return chosen
