"""The handler with TorchServe's own context and metrics cache, without a server."""

import base64
import io
import json
import logging
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from ts.context import Context, RequestProcessor
from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl

from handler.snag_handler import SnagHandler
from snag.artifact import Artifact, load_artifact
from snag.calibration import Group, p_value, read_calibration, write_calibration
from snag.errors import ArtifactMismatch, BadArtifact, BadConfig, GoldenMismatch
from snag.heatmap import coloured, overlay, scale_of
from snag.picture import decode
from snag.ranks import RANKS_HEADER, Ranks, name_of, parse_ranks, place_of
from snag.telemetry import declared
from tests.fakes import tiny_artifact, tiny_calibration

HANDLER = Path(__file__).parents[1] / "handler"
#: How the server reads a metric out of a worker's output (Metric.java of TorchServe 0.12).
METRIC_LINE = re.compile(
    r"\[METRICS]\s*([\w\s]+)\.([\w\s]+):([0-9\-,.e]+)\|#([^|]*)(\|#type:([^|,]+))?\|#hostname:([^,]+),([^,]+)(,(.*))?"
)


@pytest.fixture(autouse=True)
def _log_levels():
    yield
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("ts.metrics.caching_metric").setLevel(logging.NOTSET)


@pytest.fixture
def folder(tmp_path):
    tiny_calibration(tmp_path, tiny_artifact(tmp_path))
    return tmp_path


def make_context(folder, requests=0, headers=(), config=None):
    cache = MetricsCacheYamlImpl(str(HANDLER / "metrics.yaml"))
    cache.initialize_cache()
    manifest = {"model": {"modelVersion": "1.0"}}
    handler = {"raw_height": 32, "raw_width": 32, "metrics_interval_seconds": 3600.0, **(config or {})}
    context = Context("bolt", str(folder), manifest, 1, None, "0.12.0", True, cache, {"handler": handler})
    context.request_ids = {index: f"request-{index}" for index in range(requests)}
    context.request_processor = [
        RequestProcessor(dict(headers[index]) if index < len(headers) else {}) for index in range(requests)
    ]
    return context


def make_handler(folder, **config):
    handler = SnagHandler()
    handler.initialize(make_context(folder, config=config))
    return handler


def ask(handler, folder, *rows, headers=()):
    """Answers as (status, phrase, content type, body), JSON parsed."""
    context = make_context(folder, len(rows), headers)
    bodies = handler.handle(list(rows), context)
    answers = []
    for index, body in enumerate(bodies):
        kind = context.get_response_content_type(index)
        answers.append((*context.get_response_status(index), kind, json.loads(body) if kind == "application/json" else body))
    return answers


def png(value=130, size=(40, 24), mode="L"):
    buffer = io.BytesIO()
    Image.new(mode, size, value).save(buffer, "PNG")
    return bytearray(buffer.getvalue())


def expected(handler_folder, picture):
    artifact = load_artifact(handler_folder / "snag.pt")
    calibration = read_calibration(handler_folder / "calibration.json")
    scores = artifact.score([decode(picture)])[0]
    return {
        "Anomaly": scores.anomaly_score > calibration.threshold,
        "score": scores.anomaly_score,
        "threshold": calibration.threshold,
        "p_value": (1 + sum(s >= scores.anomaly_score for s in calibration.scores)) / (calibration.count + 1),
        "reconstruction_error": scores.reconstruction_error,
        "model": "bolt",
        "version": "1.0",
    }


def as_json(picture, **more):
    return {"body": {"image": base64.b64encode(picture).decode(), **more}}


class TestAnswers:
    @pytest.mark.parametrize(("value", "anomaly"), [(130, False), (255, True)])
    def test_verdict(self, folder, value, anomaly):
        """A picture is answered 200 with the verdict of the artefact's score under the calibration."""
        answers = ask(make_handler(folder), folder, {"body": png(value)})

        assert [(200, "OK", "application/json", expected(folder, png(value)))] == answers
        assert anomaly is answers[0][3]["Anomaly"]

    def test_forms_agree(self, folder):
        """Body, JSON, data URI, URL-safe alphabet, either multipart field and misspelt content types give the same verdict."""
        picture = png(200)
        text = base64.b64encode(picture).decode()
        rows = [
            {"body": picture},
            as_json(picture),
            {"body": {"image": "data:image/png;base64," + text}},
            {"body": {"image": text.replace("+", "-").replace("/", "_").rstrip("=")}},
            {"image": picture},
            {"data": picture},
            {"body": bytearray(json.dumps({"image": text}).encode())},
        ]
        headers = [{}] * 6 + [{"Content-Type": "Application/JSON; charset=utf-8"}]

        answers = ask(make_handler(folder), folder, *rows, headers=headers)

        assert [(200, "OK", "application/json", expected(folder, picture))] * len(rows) == answers

    def test_raw_grey_bytes(self, folder):
        """Exactly raw_height x raw_width bytes are a grey picture, and answered as the same pixels in a PNG."""
        pixels = np.arange(32 * 32, dtype=np.uint32).astype(np.uint8).reshape(32, 32)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")

        raw, encoded = ask(make_handler(folder), folder, as_json(pixels.tobytes()), {"body": bytearray(buffer.getvalue())})

        assert raw == encoded
        assert raw[0] == 200

    def test_heatmap(self, folder):
        """Asked for, the verdict carries the map as a PNG of the picture's own size whose pixel values are the scale."""
        picture = png(255)

        answer = ask(make_handler(folder), folder, as_json(picture, heatmap=True))[0][3]
        drawn = Image.open(io.BytesIO(base64.b64decode(answer.pop("heatmap"))))

        artifact, calibration = load_artifact(folder / "snag.pt"), read_calibration(folder / "calibration.json")
        anomaly_map = artifact.map_in_picture(artifact.score([decode(picture)])[0], 24, 40)
        assert expected(folder, picture) == answer
        assert (drawn.mode, drawn.size) == ("P", (40, 24))
        assert np.array_equal(coloured(anomaly_map, scale_of(calibration)), drawn)

    def test_explanation(self, folder):
        """An explanation is the picture with its map laid over, as PNG."""
        picture = png(255)

        status, phrase, kind, body = ask(make_handler(folder), folder, {"body": picture}, headers=[{"explain": "True"}])[0]

        artifact, calibration = load_artifact(folder / "snag.pt"), read_calibration(folder / "calibration.json")
        anomaly_map = artifact.map_in_picture(artifact.score([decode(picture)])[0], 24, 40)
        assert (status, phrase, kind) == (200, "OK", "image/png")
        assert np.array_equal(overlay(decode(picture), anomaly_map, scale_of(calibration)), Image.open(io.BytesIO(body)))


class TestHeaders:
    @pytest.mark.parametrize("explain", ["True", "False"])
    def test_server_timing(self, folder, explain):
        """Verdicts and explanations say how many milliseconds decoding and scoring took."""
        context = make_context(folder, 1, [{"explain": explain}])
        make_handler(folder).handle([{"body": png()}], context)

        header = context.get_response_headers(0)["Server-Timing"]

        match = re.fullmatch(r"decode;dur=(\d+\.\d), score;dur=(\d+\.\d)", header)
        assert match, header
        assert all(0 < float(milliseconds) < 5000 for milliseconds in match.groups())

    def test_ranks(self, folder):
        """A verdict says where the picture stands among the calibration pictures, for whoever watches the whole line."""
        context = make_context(folder, 2, [{}, {"explain": "True"}])
        make_handler(folder).handle([{"body": png(130)}, {"body": png(130)}], context)

        ranks = parse_ranks(context.get_response_headers(0)[RANKS_HEADER])

        calibration = read_calibration(folder / "calibration.json")
        score = expected(folder, png(130))["score"]
        assert ranks == Ranks(name_of(calibration), {"score": place_of(score, calibration.scores)})
        assert RANKS_HEADER not in context.get_response_headers(1)

    def test_errors_have_no_timing(self, folder):
        context = make_context(folder, 1)
        make_handler(folder).handle([{"body": bytearray(b"x")}], context)

        assert "Server-Timing" not in context.get_response_headers(0)

    @pytest.mark.parametrize(
        ("headers", "expected_id"),
        [
            ({"X-Request-Id": "part 7"}, "part 7"),
            ({"x-request-id": "8"}, "8"),
            ({"X-Request-Id": ""}, "request-0"),
            ({}, "request-0"),
        ],
    )
    def test_request_id(self, folder, monkeypatch, capfd, headers, expected_id):
        """In the log a request has its client's id, or TorchServe's where it has none."""
        handler = make_handler(folder)
        monkeypatch.setattr(Artifact, "score", lambda *_: 1 / 0)

        ask(handler, folder, {"body": png()}, headers=[headers])

        assert json.loads(capfd.readouterr().err)["request_id"] == expected_id


class TestErrors:
    @pytest.mark.parametrize(
        ("row", "headers", "status", "phrase", "code"),
        [
            ({"body": bytearray()}, {}, 400, "Bad Request", "missing_picture"),
            ({"body": {}}, {}, 400, "Bad Request", "missing_picture"),
            ({"other": bytearray(b"x")}, {}, 400, "Bad Request", "missing_picture"),
            ({"body": {"image": "%%%"}}, {}, 400, "Bad Request", "bad_base64"),
            ({"body": [1, 2]}, {}, 400, "Bad Request", "bad_request"),
            ({"body": bytearray(b'{"image": ')}, {}, 400, "Bad Request", "bad_request"),
            ({"body": bytearray(b"nonsense")}, {"content-type": "application/json"}, 400, "Bad Request", "bad_request"),
            (
                {"body": bytearray(b"nonsense")},
                {"Content-Type": "text/JSON"},
                415,
                "Unsupported Media Type",
                "unsupported_format",
            ),
            ({"body": png()[:60]}, {}, 400, "Bad Request", "broken_picture"),
            ({"body": bytearray(b"hello")}, {}, 415, "Unsupported Media Type", "unsupported_format"),
        ],
    )
    def test_bad_requests(self, folder, row, headers, status, phrase, code):
        """A bad request gets its own status, an ASCII phrase, and JSON that names the trouble."""
        answer = ask(make_handler(folder), folder, row, headers=[headers])[0]

        assert (status, phrase, "application/json", code) == (*answer[:3], answer[3]["error"]["code"])

    def test_too_large(self, folder):
        """A picture over the configured number of pixels is refused with 413."""
        answer = ask(make_handler(folder, max_pixels=800), folder, {"body": png()})[0]

        assert (answer[0], answer[3]["error"]["code"]) == (413, "picture_too_large")

    def test_answer_too_large(self, folder):
        """A map that would make the answer larger than the server may send is refused with 413; the verdict alone is not."""
        handler = make_handler(folder, max_answer_bytes=300)

        plain, with_map = ask(handler, folder, {"body": png()}, as_json(png(), heatmap=True))

        assert (plain[0], with_map[0], with_map[3]["error"]["code"]) == (200, 413, "map_too_large")

    def test_neighbours(self, folder):
        """In a mixed batch each good request gets the answer it gets alone, and each bad one its own error."""
        handler = make_handler(folder)
        rows = [
            {"body": png(130)},
            {"body": bytearray(b"x")},
            {"body": png(220)},
            {"body": bytearray()},
            as_json(png(250, mode="L")),
        ]
        alone = [ask(handler, folder, row)[0] for row in rows]

        assert alone == ask(handler, folder, *rows)
        assert [answer[0] for answer in alone] == [200, 415, 200, 400, 200]

    def test_bug_in_one_row(self, folder, monkeypatch, capfd):
        """An unforeseen exception is a 500 for its own row; neighbours are scored; the log has the trace in one line."""
        score = Artifact.score

        def fails_on_dark(self, pictures):
            if any(picture.max() == 0 for picture in pictures):
                raise RuntimeError("dark\n[METRICS]forged.Count:1|#|#hostname:h,1")
            return score(self, pictures)

        handler = make_handler(folder)
        monkeypatch.setattr(Artifact, "score", fails_on_dark)

        answers = ask(handler, folder, {"body": png(130)}, {"body": png(0)}, {"body": png(140)})

        assert [answer[0] for answer in answers] == [200, 500, 200]
        assert (
            *answers[1][:3],
            answers[1][3]["error"]["code"],
        ) == (500, "Internal Server Error", "application/json", "internal_error")
        entries = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
        assert [entry["request_id"] for entry in entries] == ["request-1"]
        assert "RuntimeError: dark" in entries[0]["trace"]

    def test_no_number_is_a_bug(self, folder, monkeypatch):
        """A score that is no number is never sent as invalid JSON, but answered 500."""
        score = Artifact.score
        handler = make_handler(folder)
        monkeypatch.setattr(
            Artifact,
            "score",
            lambda self, pictures: [type(s)(float("nan"), *list(vars(s).values())[1:]) for s in score(self, pictures)],
        )

        assert ask(handler, folder, {"body": png()})[0][0] == 500


class TestInitialize:
    def test_no_calibration(self, folder):
        """Without calibration the model is not served."""
        (folder / "calibration.json").unlink()

        with pytest.raises(BadArtifact, match="there is no calibration"):
            make_handler(folder)

    def test_calibration_of_another_model(self, folder):
        """With the calibration of another model it is not served."""
        calibration = json.loads((folder / "calibration.json").read_text())
        (folder / "calibration.json").write_text(json.dumps({**calibration, "artifact": "f" * 64}))

        with pytest.raises(ArtifactMismatch, match="ffffffffffff"):
            make_handler(folder)

    def test_damaged_model(self, folder):
        """A damaged model file is refused."""
        (folder / "snag.pt").write_bytes(b"PK\x03\x04 nothing")

        with pytest.raises(BadArtifact, match="damaged"):
            make_handler(folder)

    def test_no_golden_pictures(self, folder):
        """An archive from before there were golden pictures is not served."""
        (folder / "golden.json").unlink()

        with pytest.raises(BadArtifact, match="there are no golden pictures; run `make calibrate archive`"):
            make_handler(folder)

    def test_golden_pictures_of_another_model(self, folder):
        """With the golden pictures of another model it is not served."""
        golden = json.loads((folder / "golden.json").read_text())
        (folder / "golden.json").write_text(json.dumps({**golden, "artifact": "e" * 64}))

        with pytest.raises(ArtifactMismatch, match="eeeeeeeeeeee"):
            make_handler(folder)

    @pytest.mark.parametrize(("off", "comes_up"), [(0.9, True), (1.1, False), (-1.1, False)])
    def test_golden_score(self, folder, off, comes_up):
        """A worker comes up only when each golden picture scores what it scored at calibration, within the tolerance."""
        golden = json.loads((folder / "golden.json").read_text())
        golden["pictures"][0]["score"] += off * golden["tolerance"]
        (folder / "golden.json").write_text(json.dumps(golden))

        if comes_up:
            make_handler(folder)
        else:
            with pytest.raises(GoldenMismatch, match=r"the golden picture golden/0.png scores .* in this worker, expected"):
                make_handler(folder)

    def test_golden_pictures_take_the_way_of_every_picture(self, folder):
        """A golden picture that the worker would refuse from a client is a reason not to come up."""
        with pytest.raises(GoldenMismatch, match=r"is answered 413 .* at most 700 pixels are accepted"):
            make_handler(folder, max_pixels=700)

    @pytest.mark.parametrize("config", [{"torch_thread": 1}, {"torch_threads": 0}, {"torch_threads": "1"}, {"max_side": True}])
    def test_bad_settings(self, folder, config):
        """An unknown or impossible setting of the YAML is refused by name."""
        with pytest.raises(BadConfig, match=f"handler.{next(iter(config))}"):
            make_handler(folder, **config)

    def test_threads(self, folder):
        """The configured number of cores is what torch uses."""
        make_handler(folder, torch_threads=1)

        assert torch.get_num_threads() == 1

    def test_shipped_configuration(self):
        """The YAML that archives carry names every knob of the server's that matters and only known ones of ours."""
        config = yaml.safe_load((HANDLER / "model-config.yaml").read_text())
        knobs = {"minWorkers", "maxWorkers", "batchSize", "maxBatchDelay", "responseTimeout", "startupTimeout"}

        from snag.serving import ServingSettings, serving_settings

        assert ServingSettings() == serving_settings(config["handler"])
        assert set() == (knobs | {"maxRetryTimeoutInSec", "jobQueueSize"}) - set(config)


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

    def test_zeros_at_start(self, folder, caplog):
        """Every counter with known labels begins at 0, and the calibration shows as gauges."""
        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            make_handler(folder)

        samples = emitted(caplog)
        assert samples["counter", "snag_requests_total", named(endpoint="predictions")] == [0.0]
        assert samples["counter", "snag_errors_total", named(code="broken_picture")] == [0.0]
        assert samples["counter", "snag_score_ratio_bucket", named(le="+Inf")] == [0.0]
        assert samples["gauge", "snag_threshold", named()] == [0.039]
        assert samples["gauge", "snag_target_false_alarm_rate", named()] == [0.05]
        assert samples["gauge", "snag_calibration_pictures", named()] == [40.0]
        assert samples["gauge", "snag_calibration_timestamp_seconds", named()] == [1767225600.0]
        assert samples["gauge", "snag_model_timestamp_seconds", named()] == [1767139200.0]
        assert samples["counter", "snag_outside_total", named(property="exposure")] == [0.0]
        assert samples["counter", "snag_unaligned_total", named(reason="not_aligned")] == [0.0]

    def test_counts(self, folder, caplog):
        """Requests, anomalies, errors and distributions are counted; an explanation does not count as another verdict."""
        handler = make_handler(folder)
        caplog.clear()
        rows = [{"body": png(130)}, {"body": png(255)}, {"body": bytearray(b"x")}, {"body": png(255)}]
        ask(handler, folder, *rows, headers=[{}, {}, {}, {"explain": "True"}])

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
        good, bad = (expected(folder, png(value)) for value in (130, 255))
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

    def test_unaligned(self, folder, caplog, monkeypatch):
        """A picture whose part was not found counts by its reason, and not in the distribution of scores."""
        score = Artifact.score
        handler = make_handler(folder)
        monkeypatch.setattr(
            Artifact,
            "score",
            lambda self, pictures: [
                type(s)(*list(vars(s).values())[:2], "not_aligned", *list(vars(s).values())[3:]) for s in score(self, pictures)
            ],
        )
        caplog.clear()

        answer = ask(handler, folder, {"body": png(130)})[0][3]
        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            handler.flush()

        samples = emitted(caplog)
        assert (answer["Anomaly"], answer["reason"]) == (True, "not_aligned")
        assert samples["counter", "snag_unaligned_total", named(reason="not_aligned")] == [1.0]
        assert ("counter", "snag_score_ratio_count", named()) not in samples

    @pytest.mark.parametrize("way", ["JSON", "form", "header"])
    def test_groups(self, folder, caplog, way):
        """A picture is judged by its group's threshold, however the group is named; one that nobody knows is counted."""
        calibration = read_calibration(folder / "calibration.json")
        dull = Group("dull", tuple(i / 10 for i in range(1, 20)), 1.9)
        write_calibration(replace(calibration, groups=(dull,)), folder / "calibration.json")
        handler = make_handler(folder)
        caplog.clear()
        names = ("dull", "stranger")
        rows = {
            "JSON": [as_json(png(255), group=name) for name in names],
            "form": [{"image": png(255), "group": bytearray(name.encode())} for name in names],
            "header": [{"body": png(255)} for _ in names],
        }[way]
        headers = [{"Snag-Group": name} for name in names] if way == "header" else [{}, {}]

        own, pooled = (answer for *_, answer in ask(handler, folder, *rows, headers=headers))
        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            handler.flush()

        assert (own["Anomaly"], own["threshold"], own["group"], own["threshold_of"]) == (False, 1.9, "dull", "dull")
        assert own["p_value"] == p_value(own["score"], dull)
        assert (pooled["threshold"], pooled["group"], pooled["threshold_of"]) == (0.039, "stranger", "pooled")
        samples = emitted(caplog)
        assert samples["counter", "snag_unknown_group_total", named()] == [1.0]
        ratios = own["score"] / 1.9 + pooled["score"] / 0.039
        assert samples["counter", "snag_score_ratio_sum", named()] == [pytest.approx(ratios)]

    def test_unusual_pictures(self, folder, caplog):
        """A picture that was taken otherwise than the calibration pictures counts for what is unusual about it."""
        handler = make_handler(folder)  # whose calibration pictures have a brightness of 0.4 to 0.6 and edges of up to 0.5
        checks = Image.fromarray(np.indices((40, 40)).sum(0).astype(np.uint8) // 3 % 2 * 120 + 70)
        buffer = io.BytesIO()
        checks.save(buffer, "PNG")
        caplog.clear()
        ask(handler, folder, {"body": png(130)}, {"body": png(20)}, {"body": bytearray(buffer.getvalue())})

        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            handler.flush()

        samples = emitted(caplog)
        assert samples["counter", "snag_outside_total", named(property="exposure")] == [1.0]
        assert samples["counter", "snag_outside_total", named(property="sharpness")] == [1.0]
        assert samples["counter", "snag_sharpness_count", named()] == [3.0]
        assert samples["counter", "snag_sharpness_bucket", named(le="1.0")] == [2.0]

    def test_probes_do_not_count(self, folder, caplog):
        """What the server's own people ask is answered like anyone's picture, errors included, and leaves no trace."""
        handler = make_handler(folder)
        caplog.clear()
        rows = [{"body": png(130)}, {"body": png(255)}, {"body": bytearray(b"x")}, {"body": png(255)}]
        headers = [{"X-Snag-Probe": "1"}, {"x-snag-probe": "1"}, {"x-snag-probe": "1"}, {"x-snag-probe": "0"}]

        answers = ask(handler, folder, *rows, headers=headers)
        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            handler.flush()

        assert [answer[0] for answer in answers] == [200, 200, 415, 200]
        counted = {name: values for (_, name, _), values in emitted(caplog).items() if name.endswith(("_total", "_count"))}
        assert counted.pop("snag_requests_total") == [1.0]
        assert counted.pop("snag_anomalies_total") == [1.0]
        assert set(map(tuple, counted.values())) == {(1.0,)}
        assert "snag_errors_total" not in counted

    def test_flush_empties(self, folder, caplog):
        """What was handed over is not handed over again."""
        handler = make_handler(folder)
        ask(handler, folder, {"body": png()})
        handler.flush()
        caplog.clear()

        with caplog.at_level(logging.INFO, logger="ts.metrics.caching_metric"):
            handler.flush()

        assert emitted(caplog) == {}
