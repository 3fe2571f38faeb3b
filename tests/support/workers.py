"""A worker without a server: the handler with TorchServe's own context and metrics cache."""

import base64
import io
import json
from pathlib import Path

from PIL import Image
from ts.context import Context, RequestProcessor
from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl

from handler.snag_handler import SnagHandler
from snag.core.artifact import load_artifact
from snag.core.calibration import read_calibration
from snag.core.picture import decode

HANDLER = Path(__file__).parents[2] / "handler"


def make_context(folder, requests=0, headers=(), config=None):
    """TorchServe's context of a worker, and of so many requests with these headers."""
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
    """A worker that came up with this archive and configuration."""
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
    """A picture of one grey value, as TorchServe hands it over."""
    buffer = io.BytesIO()
    Image.new(mode, size, value).save(buffer, "PNG")
    return bytearray(buffer.getvalue())


def expected(folder, picture):
    """The verdict on a picture, made without the handler."""
    artifact = load_artifact(folder / "snag.pt")
    calibration = read_calibration(folder / "calibration.json")
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
    """A row of a request in JSON."""
    return {"body": {"image": base64.b64encode(picture).decode(), **more}}
