"""What a worker says once, when it comes up: threshold, calibration, limits of the pictures' looks, and how old they are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime

from snag.core.bundle import Bundle
from snag.core.calibration import Calibration
from snag.core.capture_reference import CaptureReference
from snag.core.telemetry import DISTRIBUTIONS, GAUGE, Sample, edges


def bundle_gauges(bundle: Bundle, score_scale: float) -> list[Sample]:
    """The gauges of `telemetry.GAUGES` with their values for this model; `score_scale` is what snag_score_ratio divides by.

    A threshold that was not made to keep a false-alarm rate has no target: there is no number to compare a line with.
    """
    calibration, reference = bundle.calibration, bundle.reference
    return [
        Sample(GAUGE, "snag_threshold", calibration.threshold),
        *([] if calibration.rate is None else [Sample(GAUGE, "snag_target_false_alarm_rate", calibration.rate)]),
        Sample(GAUGE, "snag_calibration_pictures", calibration.count),
        Sample(GAUGE, "snag_calibration_timestamp_seconds", _seconds(calibration.created)),
        Sample(GAUGE, "snag_model_timestamp_seconds", _seconds(reference.model_created)),
        *_shares(calibration, score_scale),
        *_limits(reference),
    ]


def _seconds(date: str) -> int:
    return int(datetime.fromisoformat(date).timestamp())


def _shares(calibration: Calibration, score_scale: float) -> Iterator[Sample]:
    """The calibration scores in the buckets of snag_score_ratio, as shares."""
    bounds = DISTRIBUTIONS["snag_score_ratio"]
    for bound, edge in zip((*bounds, float("inf")), edges(bounds), strict=True):
        share = bisect_right(calibration.scores, bound * score_scale) / calibration.count
        yield Sample(GAUGE, "snag_calibration_share", share, (edge,))


def _limits(reference: CaptureReference) -> Iterator[Sample]:
    """In the units of snag_brightness and snag_sharpness."""
    sharpness = reference.sharpness
    for name, limits in (
        ("exposure", reference.exposure.limits),
        ("sharpness", [sharpness.relative(limit) for limit in sharpness.limits]),
    ):
        for bound, limit in zip(("low", "high"), limits, strict=True):
            yield Sample(GAUGE, "snag_reference_limit", limit, (name, bound))
