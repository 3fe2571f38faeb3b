"""The plan of a run: what it learns from, and in which way it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from numpy.random import Generator
from torch import Tensor

from snag.training.augment.augmentation import Augmentation
from snag.training.augment.default_augmentation import default_augmentation, symmetries
from snag.training.augment.defects import add_defects
from snag.training.augment.symmetry import Symmetry
from snag.training.settings import SettledSettings, TrainSettings, settle
from snag.training.training_set import TrainingSet


@dataclass(frozen=True)
class TrainingPlan:
    """Settings, pictures, and how they are shown."""

    settings: SettledSettings
    pictures: TrainingSet
    augmentation: Augmentation
    steps: int  #: an epoch

    @classmethod
    def of(cls, asked: TrainSettings, pictures: TrainingSet) -> Self:
        """What is asked for, and what the mode decides."""
        mode = pictures.choice.mode
        steps = len(same_shape_batches(range(len(pictures.fit)), pictures.fit, asked.batch_size))
        settings = settle(asked, mode, steps)
        return cls(settings, pictures, default_augmentation(settings, mode.augmentation, pictures.symmetry), steps)

    @property
    def symmetries(self) -> Symmetry:
        """In which good pictures are shown."""
        return symmetries(self.augmentation)

    def with_defects(self, clean: Tensor, random: Generator) -> tuple[Tensor, Tensor]:
        """Good pictures as the networks see them, [n, c, h, w] of one shape, with synthetic defects; where these are [n, h, w].

        A share of them stays good (`DEFECTIVE_SHARE`); what is given is left as it is.
        """
        mode, fitted = self.pictures.choice.mode, self.pictures.choice.fit
        variation = self.pictures.variation if mode.defects.hidden_by_variation else None
        where = fitted.foreground[: clean.shape[2], : clean.shape[3]].numpy()  # of full frames, all equal
        shown, mask = add_defects(clean.numpy(), where, random, mode.defects, background=fitted.background, variation=variation)
        return torch.from_numpy(shown), torch.from_numpy(mask)


def same_shape_batches(order: Iterable[int], pictures: Sequence[Tensor], size: int) -> list[list[int]]:
    """Numbers of pictures, in batches of at most `size` of one shape."""
    by_shape: dict[torch.Size, list[int]] = {}
    for i in order:
        by_shape.setdefault(pictures[i].shape, []).append(i)
    return [numbers[start : start + size] for numbers in by_shape.values() for start in range(0, len(numbers), size)]
