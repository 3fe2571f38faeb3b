"""What a worker counts, read as the server reads it."""

import io
import logging
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from snag.core.artifact import Artifact
from snag.core.calibration import p_value, read_calibration, write_calibration
from snag.core.group import Group
from snag.core.telemetry import declared
from tests.support.workers import HANDLER, as_json, ask, expected, make_handler, png

#: How the server reads a metric out of a worker's output (Metric.java of TorchServe 0.12).
METRIC_LINE = re.compile(
    r"\[METRICS]\s*([\w\s]+)\.([\w\s]+):([0-9\-,.e]+)\|#([^|]*)(\|#type:([^|,]+))?\|#hostname:([^,]+),([^,]+)(,(.*))?"
)


def emitted(caplog):
    """(kind, name, label values) -> list of values, read as the server reads them."""
    samples = {}
    for record in caplog.records:
        if record.name != "ts.metrics.caching_metric":
            continue
        match = METRIC_LINE.fullmatch(record.getMessage())
        assert match, record.getMessage()
        labels = tuple(tuple(pair.split(":")) for pair in match[4].split(","))
        assert all(len(pair) == 2 for pair in labels), match[4]
        samples.setdefault((match[6].lower(), match[1], labels), []).append(float(match[3]))
    return samples


def named(**labels):
    return (("model_name", "bolt"), ("model_version", "1.0"), *labels.items())


class TestMetrics:
    def test_declared(self):
        """What the code can emit is exactly what the YAML declares, besides TorchServe's own."""
        table = yaml.safe_load((HANDLER / "metrics.yaml").read_text())["model_metrics"]
        listed = {(kind, one["name"]): tuple(one["dimensions"]) for kind, metrics in table.items() for one in metrics}
        own = {("gauge", "HandlerTime"), ("gauge", "PredictionTime")}

        assert declared() == {key: labels for key, labels in listed.items() if key not in own}
        assert own <= set(listed)

    def test_torchserve_metrics(self):
        """The server's own metrics are all still there."""
        import ts

        shipped = yaml.safe_load((Path(ts.__file__).parent / "configs" / "metrics.yaml").read_text())

        assert shipped["ts_metrics"] == yaml.safe_load((HANDLER / "metrics.yaml").read_text())["ts_metrics"]

    def test_zeros_at_start(self, unpacked, caplog):
        """Every counter with known labels begins at 0, and the calibration shows as gauges."""
        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            make_handler(unpacked)

        samples = emitted(caplog)
        assert samples["counter", "snag_requests_total", named(endpoint="predictions")] == [0.0]
        assert samples["counter", "snag_errors_total", named(code="broken_picture")] == [0.0]
        assert samples["counter", "snag_score_ratio_bucket", named(le="+Inf")] == [0.0]
        assert samples["gauge", "snag_threshold", named()] == [0.039]
        assert samples["gauge", "snag_target_false_alarm_rate", named()] == [0.05]
        assert samples["gauge", "snag_calibration_pictures", named()] == [40.0]
        assert samples["gauge", "snag_calibration_timestamp_seconds", named()] == [1767225600.0]
        assert samples["gauge", "snag_model_timestamp_seconds", named()] == [1767139200.0]
        assert samples["counter", "snag_out_of_reference_total", named(property="exposure")] == [0.0]
        assert samples["counter", "snag_unaligned_total", named(reason="not_aligned")] == [0.0]

    @pytest.mark.parametrize("method", ["manual", "labelled", "youden", "cost"])
    def test_no_target(self, unpacked, caplog, method):
        """A threshold that was made to keep no rate shows none that a line could be compared with."""
        calibration = read_calibration(unpacked / "calibration.json")
        write_calibration(replace(calibration, method=method, rate=None), unpacked / "calibration.json")

        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            make_handler(unpacked)

        samples = emitted(caplog)
        assert ("gauge", "snag_target_false_alarm_rate", named()) not in samples
        assert samples["gauge", "snag_threshold", named()] == [0.039]

    def test_counts(self, unpacked, caplog):
        """Requests, anomalies, errors and distributions are counted; an explanation does not count as another verdict."""
        handler = make_handler(unpacked)
        caplog.clear()
        rows = [{"body": png(130)}, {"body": png(255)}, {"body": bytearray(b"x")}, {"body": png(255)}]
        ask(handler, unpacked, *rows, headers=[{}, {}, {}, {"explain": "True"}])

        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            handler.flush()

        samples = emitted(caplog)
        seconds = {
            name: samples.pop(("histogram", name, named())) for name in ("snag_decode_seconds", "snag_inference_seconds")
        }
        assert {name: len(values) for name, values in seconds.items()} == {
            "snag_decode_seconds": 3,
            "snag_inference_seconds": 3,
        }
        assert all(0 < value < 5 for values in seconds.values() for value in values)
        good, bad = (expected(unpacked, png(value)) for value in (130, 255))
        ratio = {name: values for (_, name, _), values in samples.items() if name.startswith("snag_score_ratio_")}
        assert ratio["snag_score_ratio_count"] == [2.0]
        assert ratio["snag_score_ratio_sum"] == pytest.approx([(good["score"] + bad["score"]) / 0.039])
        below = {
            dict(labels)["le"]: values for (_, name, labels), values in samples.items() if name == "snag_score_ratio_bucket"
        }
        assert {le: below[le] for le in ("0.25", "4.0", "+Inf")} == {"0.25": [1.0], "4.0": [1.0], "+Inf": [2.0]}
        assert {
            ("snag_requests_total", named(endpoint="predictions")): [3.0],
            ("snag_requests_total", named(endpoint="explanations")): [1.0],
            ("snag_anomalies_total", named()): [1.0],
            ("snag_errors_total", named(code="unsupported_format")): [1.0],
            ("snag_p_value_count", named()): [2.0],
            ("snag_p_value_sum", named()): [pytest.approx(good["p_value"] + bad["p_value"])],
            ("snag_brightness_count", named()): [3.0],
            ("snag_brightness_sum", named()): [pytest.approx(130 / 255 + 2)],
            ("snag_brightness_bucket", named(le="0.55")): [1.0],
            ("snag_brightness_bucket", named(le="1.0")): [3.0],
        }.items() <= {(name, labels): values for (_, name, labels), values in samples.items()}.items()

    def test_unaligned(self, unpacked, caplog, monkeypatch):
        """A picture whose part was not found counts by its reason, and not in the distribution of scores."""
        score = Artifact.score
        handler = make_handler(unpacked)
        monkeypatch.setattr(
            Artifact,
            "score",
            lambda self, pictures: [
                type(s)(*list(vars(s).values())[:2], "not_aligned", *list(vars(s).values())[3:]) for s in score(self, pictures)
            ],
        )
        caplog.clear()

        answer = ask(handler, unpacked, {"body": png(130)})[0][3]
        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            handler.flush()

        samples = emitted(caplog)
        assert (answer["Anomaly"], answer["reason"]) == (True, "not_aligned")
        assert samples["counter", "snag_unaligned_total", named(reason="not_aligned")] == [1.0]
        assert ("counter", "snag_score_ratio_count", named()) not in samples

    @pytest.mark.parametrize("way", ["JSON", "form", "header"])
    def test_groups(self, unpacked, caplog, way):
        """A picture is judged by its group's threshold, however the group is named; one that nobody knows is counted."""
        calibration = read_calibration(unpacked / "calibration.json")
        dull = Group("dull", tuple(i / 10 for i in range(1, 20)), 1.9)
        write_calibration(replace(calibration, groups=(dull,)), unpacked / "calibration.json")
        handler = make_handler(unpacked)
        caplog.clear()
        names = ("dull", "stranger")
        rows = {
            "JSON": [as_json(png(255), group=name) for name in names],
            "form": [{"image": png(255), "group": bytearray(name.encode())} for name in names],
            "header": [{"body": png(255)} for _ in names],
        }[way]
        headers = [{"Snag-Options": f"group={name}"} for name in names] if way == "header" else [{}, {}]

        own, pooled = (answer for *_, answer in ask(handler, unpacked, *rows, headers=headers))
        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            handler.flush()

        assert (own["Anomaly"], own["threshold"], own["group"], own["threshold_of"]) == (False, 1.9, "dull", "dull")
        assert (own["promised"], pooled["promised"]) == (True, False)
        assert own["p_value"] == p_value(own["score"], dull)
        assert (pooled["threshold"], pooled["group"], pooled["threshold_of"]) == (0.039, "stranger", "pooled")
        samples = emitted(caplog)
        assert samples["counter", "snag_unknown_group_total", named()] == [1.0]
        ratios = own["score"] / 1.9 + pooled["score"] / 0.039
        assert samples["counter", "snag_score_ratio_sum", named()] == [pytest.approx(ratios)]

    def test_unusual_pictures(self, unpacked, caplog):
        """A picture that was taken otherwise than the calibration pictures counts for what is unusual about it."""
        handler = make_handler(unpacked)  # whose calibration pictures have a brightness of 0.4 to 0.6 and edges of up to 0.5
        checks = Image.fromarray(np.indices((40, 40)).sum(0).astype(np.uint8) // 3 % 2 * 120 + 70)
        buffer = io.BytesIO()
        checks.save(buffer, "PNG")
        caplog.clear()
        ask(handler, unpacked, {"body": png(130)}, {"body": png(20)}, {"body": bytearray(buffer.getvalue())})

        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            handler.flush()

        samples = emitted(caplog)
        assert samples["counter", "snag_out_of_reference_total", named(property="exposure")] == [1.0]
        assert samples["counter", "snag_out_of_reference_total", named(property="sharpness")] == [1.0]
        assert samples["counter", "snag_sharpness_count", named()] == [3.0]
        assert samples["counter", "snag_sharpness_bucket", named(le="1.0")] == [2.0]

    def test_probes_do_not_count(self, unpacked, caplog):
        """What the server's own people ask is answered like anyone's picture, errors included, and leaves no trace."""
        handler = make_handler(unpacked)
        caplog.clear()
        rows = [{"body": png(130)}, {"body": png(255)}, {"body": bytearray(b"x")}, {"body": png(255)}]
        headers = [{"X-Snag-Probe": "1"}, {"x-snag-probe": "1"}, {"x-snag-probe": "1"}, {"x-snag-probe": "0"}]

        answers = ask(handler, unpacked, *rows, headers=headers)
        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            handler.flush()

        assert [answer[0] for answer in answers] == [200, 200, 415, 200]
        counted = {name: values for (_, name, _), values in emitted(caplog).items() if name.endswith(("_total", "_count"))}
        assert counted.pop("snag_requests_total") == [1.0]
        assert counted.pop("snag_anomalies_total") == [1.0]
        assert set(map(tuple, counted.values())) == {(1.0,)}
        assert "snag_errors_total" not in counted

    def test_flush_empties(self, unpacked, caplog):
        """What was handed over is not handed over again."""
        handler = make_handler(unpacked)
        ask(handler, unpacked, {"body": png()})
        handler.flush()
        caplog.clear()

        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            handler.flush()

        assert emitted(caplog) == {}
