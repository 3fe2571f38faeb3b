"""TorchServe's way in: its rows and its context on one side, snag.core.inspection on the other. Nothing else knows
TorchServe.

Exactly one class may stand in this file: TorchServe takes the only one it finds.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any

import torch
from ts.metrics.metric_type_enum import MetricTypes

from snag.core.bundle import load_bundle
from snag.core.errors import request_errors
from snag.core.gauges import bundle_gauges
from snag.core.inspection import Row, RowInspector
from snag.core.serving import serving_settings
from snag.core.telemetry import MetricsBuffer, Sample, zeros
from snag.core.wire import OPTIONS_HEADER


class SnagHandler:
    """One worker's handler."""

    def initialize(self, context: Any) -> None:
        """Load the archive's model with its calibration and let it answer the golden pictures.

        Raises a SnagError, and so never serves, unless these three belong together: a worker that is ready was checked.
        """
        folder = Path(context.system_properties["model_dir"])
        settings = serving_settings((context.model_yaml_config or {}).get("handler"))
        torch.set_num_threads(settings.torch_threads)
        bundle = load_bundle(folder)
        self._metrics = context.metrics
        self._names = (context.model_name, str(context.manifest["model"]["modelVersion"]))
        self._buffer = MetricsBuffer()
        self._inspector = RowInspector(
            bundle.artifact, bundle.calibration, settings, *self._names, self._buffer, _log, bundle.reference
        )
        self._inspector.prove(bundle.golden, bundle.pictures)
        self._emit(zeros(tuple(error.code for error in request_errors())))
        self._emit(bundle_gauges(bundle, self._inspector.score_scale))
        _quiet_torchserve()
        threading.Thread(target=self._flush_for_ever, args=(settings.metrics_interval_seconds,), daemon=True).start()

    def handle(self, data: list[dict[str, Any]], context: Any) -> list[bytes]:
        """Answer each row of a batch with its own status, content type and body."""
        answers = self._inspector.answer([_row(fields, context, index) for index, fields in enumerate(data)])
        for index, answer in enumerate(answers):
            # Phrases are ASCII: TorchServe counts characters where it sends bytes, and the worker dies of the difference.
            context.set_response_status(answer.status, HTTPStatus(answer.status).phrase, index)
            context.set_response_content_type(index, answer.content_type)
            for name, value in answer.headers.items():
                context.set_response_header(index, name, value)
        return [answer.body for answer in answers]

    def flush(self) -> None:
        """Hand what was counted to TorchServe."""
        self._emit(self._buffer.take())

    def _flush_for_ever(self, interval: float) -> None:
        while True:
            time.sleep(interval)
            self.flush()

    def _emit(self, samples: list[Sample]) -> None:
        for sample in samples:
            metric = self._metrics.get_metric(sample.name, MetricTypes(sample.kind))
            metric.add_or_update(sample.value, [*self._names, *sample.labels])


def _row(fields: dict[str, Any], context: Any, index: int) -> Row:
    headers = {str(name).lower(): value for name, value in context.get_all_request_header(index).items()}
    content_type, own_id = headers.get("content-type", ""), headers.get("x-request-id", "")
    return Row(
        fields=fields,
        content_type=content_type if isinstance(content_type, str) else "",
        options=headers.get(OPTIONS_HEADER.lower(), ""),
        explain=headers.get("explain") == "True",
        # The client's own, by which it will ask; without one TorchServe's.
        request_id=own_id if isinstance(own_id, str) and own_id else context.get_request_id(index) or "",
        probe=headers.get("x-snag-probe") == "1",
    )


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _quiet_torchserve() -> None:
    """Keep TorchServe's line for each request off the pipe to the server; metrics travel as log lines and must stay."""
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("ts.metrics.caching_metric").setLevel(logging.INFO)
