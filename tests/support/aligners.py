"""Aligners of synthetic bolts, fitted as training fits them."""

from __future__ import annotations

from functools import cache

from snag.detector.aligner import Aligner
from snag.training.data.survey import summarise
from snag.training.fit.aligner import Alignment, fit_alignment
from tests.support.parts import good_picture

SIZE = (160, 160)


def fitted(size: tuple[int, int], **looks: object) -> Aligner:
    """An aligner of bolts in pictures of this size."""
    alignment = fit_alignment([summarise(good_picture(i, size, **looks)).small for i in range(16)])
    assert isinstance(alignment, Alignment), alignment
    return alignment.aligner


@cache
def aligner_of(bright: bool) -> Aligner:
    """The one for dark or for bright bolts in pictures of SIZE, fitted once for all tests."""
    return fitted(SIZE, bright=bright)
