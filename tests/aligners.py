"""Aligners of synthetic bolts, fitted as training fits them."""

from __future__ import annotations

from functools import cache

from tests.parts import good_picture
from training.alignment import Aligner
from training.fit_alignment import fit_alignment
from training.survey import look

SIZE = (160, 160)


def fitted(size: tuple[int, int], **looks: object) -> Aligner:
    """An aligner of bolts in pictures of this size."""
    alignment, why = fit_alignment([look(good_picture(i, size, **looks)).small for i in range(16)])
    assert alignment is not None, why
    return alignment.aligner


@cache
def aligner_of(bright: bool) -> Aligner:
    """The one for dark or for bright bolts in pictures of SIZE, fitted once for all tests."""
    return fitted(SIZE, bright=bright)
