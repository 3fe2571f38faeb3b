"""What a worker counts: the table of metrics, and a buffer that gathers many requests into few lines of output.

TorchServe takes metrics as lines on the worker's standard output, one for each series; twenty buckets touched by each request
would cost more than the decoding. So a request is only counted here, and a thread empties the buffer a few times a second.
TorchServe's own histograms have fixed buckets meant for seconds; a distribution of anything else is therefore made of counters:
`<name>_bucket` with the label `le`, `<name>_sum` and `<name>_count`, which is all that `histogram_quantile` needs.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from snag.core.capture_reference import PROPERTIES

COUNTER: Final = "counter"
GAUGE: Final = "gauge"
HISTOGRAM: Final = "histogram"

#: Labels that every series carries; more are named in the tables below.
COMMON_LABELS: Final = ("model_name", "model_version")

COUNTERS: Final[dict[str, tuple[str, ...]]] = {
    "snag_requests_total": ("endpoint",),
    "snag_anomalies_total": (),
    "snag_errors_total": ("code",),
    "snag_unaligned_total": ("reason",),
    "snag_out_of_reference_total": ("property",),
    "snag_unknown_group_total": (),
}
GAUGES: Final[dict[str, tuple[str, ...]]] = {
    "snag_threshold": (),
    "snag_target_false_alarm_rate": (),
    "snag_calibration_pictures": (),
    "snag_calibration_timestamp_seconds": (),
    "snag_calibration_share": ("le",),
    "snag_model_timestamp_seconds": (),
    "snag_reference_limit": ("property", "bound"),
}
HISTOGRAMS: Final[dict[str, tuple[str, ...]]] = {
    "snag_decode_seconds": (),
    "snag_inference_seconds": (),
}
#: Upper bounds of the buckets; one for infinity is added.
DISTRIBUTIONS: Final[dict[str, tuple[float, ...]]] = {
    "snag_score_ratio": (0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0),
    "snag_p_value": (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    "snag_brightness": tuple(step / 20 for step in range(1, 21)),
    "snag_sharpness": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 2.0),
}
_LARGEST: Final = 1e6  #: a sum must not be spoilt for ever by one boundless value


@dataclass(frozen=True)
class Sample:
    """One line for TorchServe: add `value` to a counter, set a gauge, or observe it in a histogram."""

    kind: str
    name: str
    value: float
    labels: tuple[str, ...] = ()  #: values of the labels beyond COMMON_LABELS


def declared() -> dict[tuple[str, str], tuple[str, ...]]:
    """Every (kind, name) that can be emitted, with its labels: what handler/metrics.yaml must list."""
    table = {(COUNTER, name): labels for name, labels in COUNTERS.items()}
    table |= {(GAUGE, name): labels for name, labels in GAUGES.items()}
    table |= {(HISTOGRAM, name): labels for name, labels in HISTOGRAMS.items()}
    for name in DISTRIBUTIONS:
        table |= {(COUNTER, f"{name}_bucket"): ("le",), (COUNTER, f"{name}_sum"): (), (COUNTER, f"{name}_count"): ()}
    return {key: (*COMMON_LABELS, *labels) for key, labels in table.items()}


class MetricsBuffer:
    """Counts of one worker since they were last taken; safe to use from two threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: defaultdict[tuple[str, tuple[str, ...]], float] = defaultdict(float)
        self._buckets = {name: [0] * (len(bounds) + 1) for name, bounds in DISTRIBUTIONS.items()}
        self._sums = dict.fromkeys(DISTRIBUTIONS, 0.0)
        self._seconds: list[tuple[str, float]] = []

    def count(self, name: str, *labels: str) -> None:
        """Add one to a counter."""
        with self._lock:
            self._counts[name, labels] += 1

    def distribute(self, name: str, value: float) -> None:
        """Put a value into its distribution."""
        with self._lock:
            self._buckets[name][bisect_left(DISTRIBUTIONS[name], value)] += 1
            self._sums[name] += min(max(value, 0.0), _LARGEST)

    def time(self, name: str, seconds: float) -> None:
        """Observe a duration."""
        with self._lock:
            self._seconds.append((name, seconds))

    def take(self) -> list[Sample]:
        """Everything counted since the last call, as few samples as will do; the buffer is empty afterwards."""
        with self._lock:
            samples = [Sample(COUNTER, name, value, labels) for (name, labels), value in self._counts.items()]
            samples += [Sample(HISTOGRAM, name, seconds) for name, seconds in self._seconds]
            for name, counts in self._buckets.items():
                if any(counts):
                    samples += _distribution(name, counts, self._sums[name])
                    self._buckets[name] = [0] * len(counts)
                    self._sums[name] = 0.0
            self._counts.clear()
            self._seconds.clear()
        return samples


class DiscardingBuffer(MetricsBuffer):
    """Takes the place of a buffer for what shall not be counted."""

    def count(self, name: str, *labels: str) -> None:
        """Nothing."""

    def distribute(self, name: str, value: float) -> None:
        """Nothing."""

    def time(self, name: str, seconds: float) -> None:
        """Nothing."""


def zeros(error_codes: tuple[str, ...]) -> list[Sample]:
    """A zero for each counter whose labels are known beforehand: a rate is only right for a series that begins at 0."""
    known = {
        "endpoint": ("predictions", "explanations"),
        "code": error_codes,
        "reason": ("not_aligned",),  # the only one that the models of this version give
        "property": PROPERTIES,
    }
    samples = []
    for name, labels in COUNTERS.items():
        samples += [Sample(COUNTER, name, 0, (value,)) for value in known[labels[0]]] if labels else [Sample(COUNTER, name, 0)]
    for name, bounds in DISTRIBUTIONS.items():
        samples += [Sample(COUNTER, f"{name}_bucket", 0, (le,)) for le in edges(bounds)]
        samples += [Sample(COUNTER, f"{name}_sum", 0), Sample(COUNTER, f"{name}_count", 0)]
    return samples


def _distribution(name: str, counts: list[int], total: float) -> list[Sample]:
    """Cumulative buckets, as Prometheus wants them: each holds all values up to its bound."""
    cumulative = zip(edges(DISTRIBUTIONS[name]), accumulate(counts), strict=True)
    samples = [Sample(COUNTER, f"{name}_bucket", count, (le,)) for le, count in cumulative if count]
    return [*samples, Sample(COUNTER, f"{name}_sum", total), Sample(COUNTER, f"{name}_count", sum(counts))]


def edges(bounds: tuple[float, ...]) -> list[str]:
    """Values of the label `le`: the bounds as text, and infinity."""
    return [*(repr(bound) for bound in bounds), "+Inf"]
