"""Fitting the aligner: which parts it takes, and which it refuses."""

from __future__ import annotations

import torch

from training.alignment import REFINE_SIDE, shrink
from training.fit_alignment import fit_alignment
from training.sample import draw


def sample_picture(folder: str, index: int) -> torch.Tensor:
    """A picture of the embedded sample, float [1, 320, 320]."""
    return torch.from_numpy(draw(folder, index, seed=0, size=320).picture).float()[None]


def test_no_good_part_is_refused_by_an_aligner_fitted_to_its_like() -> None:
    """Neither those that it was fitted to nor others: a refused good part would be a false alarm."""
    torch.set_num_threads(1)
    fitted, others = ([sample_picture(folder, i) for i in range(24)] for folder in ("train/good", "test/good"))

    alignment, why = fit_alignment([shrink(picture, REFINE_SIDE) for picture in fitted])

    assert alignment is not None, why
    assert {alignment.aligner(picture)[3] for picture in [*fitted, *others]} == {""}
