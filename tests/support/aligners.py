"""Aligners of synthetic bolts, fitted as training fits them."""

from __future__ import annotations

from functools import cache

from snag.detector.aligner import Aligner
from snag.training.data.survey import look
from snag.training.fit.aligner import fit_alignment
from tests.support.parts import good_picture

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
