"""The metrics of the real server, read as Prometheus reads them."""

import io
import time

import pytest
import yaml
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from snag.core.errors import SnagError
from snag.core.telemetry import DISTRIBUTIONS, HISTOGRAMS, declared
from tests.e2e.conftest import ROOT

pytestmark = pytest.mark.e2e
OURS = {"model_name": "tiny-bolt", "model_version": "1.5"}


def grey(value):
    buffer = io.BytesIO()
    Image.new("L", (40, 40), value).save(buffer, "PNG")
    return buffer.getvalue()


def scrape(client):
    """{(sample name, labels without the host): value}"""
    text = client.scrape()
    written = {line.partition("{")[0] for line in text.splitlines()}
    samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # This parser gives every counter the ending that OpenMetrics wants; Prometheus takes the name as it is written.
            name = sample.name if sample.name in written else sample.name.removesuffix("_total")
            labels = tuple(sorted((label, value) for label, value in sample.labels.items() if label.lower() != "hostname"))
            samples[name, labels] = sample.value
    return samples


def key(name, **labels):
    return name, tuple(sorted({**OURS, **labels}.items()))


@pytest.fixture
def client(live_server):
    client = live_server.client()
    yield client
    client.close()


def test_growth(client):
    """Each request shows in the counters within a second: requests, anomalies, errors, and every distribution."""
    time.sleep(1)  # what was asked before this test is on its way for up to metrics_interval_seconds
    before = scrape(client)
    for picture in (grey(130), grey(130), grey(255), b"rubbish"):
        try:
            client.predict(picture)
        except SnagError:
            continue
    client.explain(grey(255))
    expected = {
        key("snag_requests_total", endpoint="predictions"): 4,
        key("snag_requests_total", endpoint="explanations"): 1,
        key("snag_anomalies_total"): 1,
        key("snag_errors_total", code="unsupported_format"): 1,
        key("snag_errors_total", code="internal_error"): 0,
        key("snag_score_ratio_count"): 3,
        key("snag_score_ratio_bucket", le="0.25"): 2,
        key("snag_score_ratio_bucket", le="4.0"): 2,
        key("snag_score_ratio_bucket", le="+Inf"): 3,
        key("snag_p_value_count"): 3,
        key("snag_p_value_bucket", le="0.05"): 1,
        key("snag_brightness_count"): 4,
        key("snag_brightness_bucket", le="0.55"): 2,
        key("snag_decode_seconds_count"): 4,
        key("snag_inference_seconds_count"): 4,
    }

    deadline = time.monotonic() + 5
    while True:
        after = scrape(client)
        grown = {one: after[one] - before.get(one, 0) for one in expected}
        if grown == expected or time.monotonic() > deadline:
            break
        time.sleep(0.1)

    assert grown == expected


def test_everything_declared_is_there(client):
    """Every metric of ours and every one of TorchServe's YAML is in the scrape, by name."""
    client.predict(grey(130))
    time.sleep(1)
    text = client.scrape()
    listed = yaml.safe_load((ROOT / "handler" / "metrics.yaml").read_text())
    names = {one["name"] for section in ("ts_metrics", "model_metrics") for kind in listed[section].values() for one in kind}

    assert [name for name in sorted(names) if f"# TYPE {name} " not in text] == []
    present = {name for name, _ in scrape(client)}
    ours = {name for kind, name in declared() if kind != "histogram"} - {"snag_unaligned_total"}
    assert sorted((ours | {f"{name}_bucket" for name in HISTOGRAMS}) - present) == []


@pytest.mark.parametrize("name", [*DISTRIBUTIONS, *HISTOGRAMS])
def test_quantiles_can_be_taken(client, name):
    """Buckets rise with their bounds, the last equals the count: what histogram_quantile needs."""
    client.predict(grey(130))
    samples = scrape(client)
    buckets = {dict(labels)["le"]: value for (sample, labels), value in samples.items() if sample == f"{name}_bucket"}
    values = [value for _, value in sorted((float(le), value) for le, value in buckets.items())]

    assert "+Inf" in buckets
    assert values == sorted(values)
    assert values[-1] == samples[key(f"{name}_count")]
    assert samples[key(f"{name}_sum")] >= 0


def test_calibration_shows(live_server, client):
    """The threshold and what it was made from are gauges."""
    samples = scrape(client)

    assert samples[key("snag_threshold")] == live_server.calibration.threshold
    assert samples[key("snag_target_false_alarm_rate")] == 0.05
    assert samples[key("snag_calibration_pictures")] == 40
