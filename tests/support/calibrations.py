"""Calibrations of given scores."""

from snag.core.calibration import MANUAL, SPLIT_CONFORMAL, Calibration, conformal_threshold


def calibrated(scores, rate, threshold=None):
    """A calibration of `scores` for `rate`."""
    return Calibration(
        scores=tuple(sorted(scores)),
        rate=rate if threshold is None else None,
        threshold=conformal_threshold(scores, rate) if threshold is None else threshold,
        method=SPLIT_CONFORMAL if threshold is None else MANUAL,
        score_unit="standard deviations",
        artifact="a" * 64,
        data_digest="d" * 64,
        created="2026-01-01T00:00:00+00:00",
    )
