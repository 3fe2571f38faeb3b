"""What a worker counts."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from snag.core.telemetry import COUNTER, DISTRIBUTIONS, HISTOGRAM, MetricsBuffer, Sample, declared, zeros


@given(st.lists(st.floats(0, 2), min_size=1, max_size=20))
def test_buckets_are_cumulative(values):
    """Each bucket counts every value up to its bound, the bound included."""
    buffer = MetricsBuffer()
    for value in values:
        buffer.distribute("snag_p_value", value)

    counted = {sample.labels: sample.value for sample in buffer.take() if sample.name == "snag_p_value_bucket"}

    slow = {(repr(bound),): sum(value <= bound for value in values) for bound in DISTRIBUTIONS["snag_p_value"]}
    assert {le: count for le, count in slow.items() if count} | {("+Inf",): len(values)} == counted


def test_counts_are_gathered():
    """Many requests leave one sample for each series, durations one each, and nothing for a second call."""
    buffer = MetricsBuffer()
    for _ in range(5):
        buffer.count("snag_errors_total", "bad_base64")
    buffer.time("snag_decode_seconds", 0.5)
    buffer.time("snag_decode_seconds", 0.25)

    assert buffer.take() == [
        Sample(COUNTER, "snag_errors_total", 5.0, ("bad_base64",)),
        Sample(HISTOGRAM, "snag_decode_seconds", 0.5),
        Sample(HISTOGRAM, "snag_decode_seconds", 0.25),
    ]
    assert buffer.take() == []


def test_sums_stay_finite():
    """An endless score is counted in the last bucket and does not spoil the sum."""
    buffer = MetricsBuffer()
    buffer.distribute("snag_score_ratio", float("inf"))

    assert buffer.take() == [
        Sample(COUNTER, "snag_score_ratio_bucket", 1, ("+Inf",)),
        Sample(COUNTER, "snag_score_ratio_sum", 1e6),
        Sample(COUNTER, "snag_score_ratio_count", 1),
    ]


def test_nothing_is_lost_between_threads():
    """Counting while another thread takes loses nothing and counts nothing twice."""
    buffer, taken, done = MetricsBuffer(), [], threading.Event()

    def take():
        while not done.is_set():
            taken.extend(buffer.take())

    taker = threading.Thread(target=take)
    taker.start()
    for _ in range(5000):
        buffer.count("snag_anomalies_total")
        buffer.distribute("snag_brightness", 0.5)
    done.set()
    taker.join()
    taken.extend(buffer.take())

    totals = {name: sum(s.value for s in taken if s.name == name) for name in ("snag_anomalies_total", "snag_brightness_count")}
    assert totals == {"snag_anomalies_total": 5000, "snag_brightness_count": 5000}


def test_zeros_are_declared():
    """The zeros at start are of declared metrics, with one value for each label beyond the common ones."""
    table = declared()

    samples = zeros(("bad_base64", "broken_picture"))

    assert all(len(table[sample.kind, sample.name]) == len(sample.labels) + 2 and sample.value == 0 for sample in samples)
    assert ("broken_picture",) in [sample.labels for sample in samples if sample.name == "snag_errors_total"]
