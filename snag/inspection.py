"""From the rows of a batch to their answers: everything a server does with a request, without any server's own types.

A bad row becomes a SnagError in its own slot and is answered with its own status; its neighbours are not touched.
"""

from __future__ import annotations

import base64
import json
import re
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import torch
from torch import Tensor

from snag import heatmap
from snag.artifact import Artifact, Scores
from snag.calibration import Calibration
from snag.errors import BadRequest, InternalError, MapTooLarge, SnagError
from snag.picture import decode
from snag.serving import ServingSettings
from snag.telemetry import Tally
from snag.verdict import Verdict, judge
from snag.wire import error_json, parse_request, verdict_json

T = TypeVar("T")

JSON: Final = "application/json"
_BRIGHTNESS_STRIDE: Final = 4  #: every fourth pixel of every fourth line is plenty for a mean


@dataclass(frozen=True)
class Row:
    """One request of a batch."""

    fields: Mapping[str, Any]  #: as `snag.wire.parse_request` takes it
    content_type: str = ""
    explain: bool = False  #: answer with the overlay instead of a verdict
    request_id: str = ""


@dataclass(frozen=True)
class Answer:
    """What goes back to one client."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True)
class _Loaded:
    picture: Tensor  #: [C, H, W]
    heatmap: bool


class Inspector:
    """Judges pictures with one model and its calibration, and counts what it saw."""

    def __init__(
        self,
        artifact: Artifact,
        calibration: Calibration,
        settings: ServingSettings,
        model: str,
        version: str,
        tally: Tally,
        log: Callable[[str], None],
    ) -> None:
        self._artifact = artifact
        self._calibration = calibration
        self._settings = settings
        self._model = model
        self._version = version
        self._tally = tally
        self._log = log
        self._level = heatmap.level_of(calibration)
        self._usual = calibration.threshold if calibration.threshold > 0 else self._level

    def warm_up(self) -> None:
        """Score and draw a made-up part twice, so that the first client does not wait for TorchScript's optimiser."""
        height, width = self._settings.limits.raw_shape or (512, 512)
        picture = torch.full((1, height, width), 200, dtype=torch.uint8)
        picture[:, height * 4 // 10 : height * 6 // 10, width // 5 : width * 4 // 5] = 90
        for _ in range(2):
            scores = self._artifact.score([picture])[0]
        self._artifact.map_in_picture(scores, height, width)

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer for each row, in order."""
        loaded = [self._guarded(row, self._load, row) for row in rows]
        scores = self._score(rows, loaded)
        outcomes = [
            item if isinstance(item, SnagError) else self._guarded(row, self._judge, row, item, score)
            for row, item, score in zip(rows, loaded, scores, strict=True)
        ]
        return [self._finish(row, outcome) for row, outcome in zip(rows, outcomes, strict=True)]

    def _load(self, row: Row) -> _Loaded:
        _check_json(row)
        request = parse_request(row.fields, self._settings.raw_height * self._settings.raw_width)
        started = time.perf_counter()
        picture = decode(request.picture, self._settings.limits)
        self._tally.time("snag_decode_seconds", time.perf_counter() - started)
        sample = picture[:, ::_BRIGHTNESS_STRIDE, ::_BRIGHTNESS_STRIDE]
        self._tally.distribute("snag_brightness", float(sample.to(torch.float32).mean()) / 255)
        return _Loaded(picture, request.heatmap)

    def _score(self, rows: Sequence[Row], loaded: Sequence[_Loaded | SnagError]) -> list[Scores | SnagError]:
        """Scores of the good rows in one call; where that fails, row by row, so that the fault stays with its cause."""
        good = [item.picture for item in loaded if isinstance(item, _Loaded)]
        started = time.perf_counter()
        try:
            together = iter(self._artifact.score(good))
        except Exception:  # whatever it was, it happens again below, to the row that caused it
            return [
                item if isinstance(item, SnagError) else self._guarded(row, self._score_alone, item)
                for row, item in zip(rows, loaded, strict=True)
            ]
        for _ in good:
            self._tally.time("snag_inference_seconds", (time.perf_counter() - started) / len(good))
        return [item if isinstance(item, SnagError) else next(together) for item in loaded]

    def _score_alone(self, item: _Loaded) -> Scores:
        started = time.perf_counter()
        scores = self._artifact.score([item.picture])[0]
        self._tally.time("snag_inference_seconds", time.perf_counter() - started)
        return scores

    def _judge(self, row: Row, item: _Loaded, scores: Scores | SnagError) -> Answer:
        if isinstance(scores, SnagError):
            raise scores
        if row.explain:
            return self._checked_size(Answer(200, "image/png", self._overlay(item.picture, scores)))
        verdict = judge(scores.anomaly_score, scores.reconstruction_error, scores.reason, self._calibration)
        body = verdict_json(verdict, self._model, self._version)
        if item.heatmap:
            body["heatmap"] = base64.b64encode(self._heatmap(item.picture, scores)).decode()
        answer = self._checked_size(Answer(200, JSON, json.dumps(body, allow_nan=False).encode()))
        self._observe(verdict)
        return answer

    def _heatmap(self, picture: Tensor, scores: Scores) -> bytes:
        return heatmap.png(heatmap.coloured(self._map(picture, scores), self._level))

    def _overlay(self, picture: Tensor, scores: Scores) -> bytes:
        return heatmap.png(heatmap.overlay(picture, self._map(picture, scores), self._level))

    def _map(self, picture: Tensor, scores: Scores) -> Tensor:
        return self._artifact.map_in_picture(scores, picture.shape[-2], picture.shape[-1])

    def _checked_size(self, answer: Answer) -> Answer:
        # An answer over the server's own limit would cost the worker its life, and every other client its answer.
        if len(answer.body) > self._settings.max_answer_bytes:
            raise MapTooLarge(bytes=len(answer.body), limit=self._settings.max_answer_bytes)
        return answer

    def _observe(self, verdict: Verdict) -> None:
        if verdict.is_anomaly:
            self._tally.count("snag_anomalies_total")
        if verdict.reason is not None:  # such a picture has no score worth the name
            self._tally.count("snag_unaligned_total", re.sub(r"\W", "_", verdict.reason, flags=re.ASCII))
            return
        self._tally.distribute("snag_score_ratio", verdict.score / self._usual)
        self._tally.distribute("snag_p_value", verdict.p_value)

    def _guarded(self, row: Row, step: Callable[..., T], *arguments: Any) -> T | SnagError:
        try:
            return step(*arguments)
        except SnagError as error:
            return error
        except Exception:
            trace = traceback.format_exc()
            # As JSON it is one line, whatever a client put into it: a line of its own could pass for a metric.
            self._log(json.dumps({"event": "internal_error", "request_id": row.request_id, "trace": trace}))
            return InternalError()

    def _finish(self, row: Row, outcome: Answer | SnagError) -> Answer:
        self._tally.count("snag_requests_total", "explanations" if row.explain else "predictions")
        if not isinstance(outcome, SnagError):
            return outcome
        self._tally.count("snag_errors_total", outcome.code)
        return Answer(outcome.status, JSON, json.dumps(error_json(outcome)).encode())


def _check_json(row: Row) -> None:
    """Refuse what calls itself JSON and is none: TorchServe hands it on as bytes, as if it were a picture."""
    kind = row.content_type.partition(";")[0].strip().lower()
    body = row.fields.get("body")
    if (kind == JSON or kind.endswith("+json")) and isinstance(body, bytes | bytearray) and body:
        try:
            json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadRequest(detail=f"the content type is {kind!r}, but the body is no JSON") from error
