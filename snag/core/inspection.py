"""From the rows of a batch to their answers: everything a server does with a request, without any server's own types.

A bad row becomes a SnagError in its own slot and is answered with its own status; its neighbours are not touched.
"""

from __future__ import annotations

import json
import re
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from torch import Tensor

from snag.core.artifact import Artifact, Scores
from snag.core.calibration import Calibration
from snag.core.capture_reference import CaptureReference
from snag.core.errors import BadRequest, GoldenMismatch, InternalError, MapTooLarge, SnagError
from snag.core.golden import Golden
from snag.core.heatmap import scale_of
from snag.core.illustration import Illustrator
from snag.core.imaging import brightness, sharpness
from snag.core.picture import decode
from snag.core.ranks import RANKS_HEADER, Ranks, name_of, places_of, ranks_text
from snag.core.serving import ServingSettings
from snag.core.telemetry import DiscardingBuffer, MetricsBuffer
from snag.core.verdict import Verdict, judge_by
from snag.core.wire import JSON, error_json, parse_request, verdict_json

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One request of a batch."""

    fields: Mapping[str, Any]  #: as `snag.core.wire.parse_request` takes it
    content_type: str = ""
    options: str = ""  #: said outside of the body, as `snag.core.wire.OPTIONS_HEADER` has them
    explain: bool = False  #: answer with the overlay instead of a verdict
    request_id: str = ""
    probe: bool = False  #: asked by the server's own people: answered like any other, and not counted


@dataclass(frozen=True)
class Answer:
    """What goes back to one client."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Loaded:
    picture: Tensor  #: [C, H, W]
    wants: frozenset[str]
    seconds: float  #: that decoding took
    group: str | None
    conditions: Mapping[str, float]  #: how it was taken: exposure, sharpness


@dataclass(frozen=True)
class _Scored:
    scores: Scores
    seconds: float  #: this picture's share of the pass that scored it


class RowInspector:
    """Judges pictures with one model and its calibration, and counts what it saw."""

    def __init__(
        self,
        artifact: Artifact,
        calibration: Calibration,
        settings: ServingSettings,
        model: str,
        version: str,
        metrics: MetricsBuffer,
        log: Callable[[str], None],
        reference: CaptureReference | None = None,
    ) -> None:
        self._artifact = artifact
        self._calibration = calibration
        self._settings = settings
        self._model = model
        self._version = version
        self._metrics = metrics
        self._discarded = DiscardingBuffer()
        self._log = log
        self._reference = reference
        self._limits = settings.limits(artifact.limits)
        self._name = name_of(calibration)
        self._illustrator = Illustrator(artifact, calibration)
        #: What snag_score_ratio divides by: 1 is as anomalous as can pass.
        self.score_scale = calibration.threshold if calibration.threshold > 0 else scale_of(calibration).level

    def prove(self, golden: Golden, pictures: Mapping[str, bytes]) -> None:
        """Answer every golden picture, twice: TorchScript's optimiser is warm then.

        Raises GoldenMismatch where the score is not the expected one.
        """
        for one in golden.pictures * 2:
            answer = self.answer([Row({"body": pictures[one.name]}, probe=True)])[0]
            body = json.loads(answer.body)
            if answer.status != HTTPStatus.OK:
                found = f"is answered {answer.status} ({body['error']['message']})"
                raise GoldenMismatch(picture=one.name, found=found, where="by this worker", expected=f"score {one.score:.6g}")
            golden.check(one, body["score"], "in this worker")
        picture = decode(pictures[golden.pictures[0].name], self._limits)
        self._illustrator.overlay(picture, self._artifact.score([picture])[0], self._calibration.compared_with(None))

    def answer(self, rows: Sequence[Row]) -> list[Answer]:
        """One answer for each row, in order."""
        loaded = [self._guarded(row, self._load, row) for row in rows]
        scored = self._score(rows, loaded)
        outcomes = [
            item if isinstance(item, SnagError) else self._guarded(row, self._judge, row, item, scores)
            for row, item, scores in zip(rows, loaded, scored, strict=True)
        ]
        return [self._finish(row, outcome) for row, outcome in zip(rows, outcomes, strict=True)]

    def _load(self, row: Row) -> _Loaded:
        bare_size = self._settings.raw_height * self._settings.raw_width
        request = parse_request(row.fields, bare_size, row.content_type, row.options)
        if row.explain and request.wants:
            asked = ", ".join(sorted(request.wants))
            raise BadRequest(detail=f"an explanation is the overlay alone; ask /predictions for {asked}")
        started = time.perf_counter()
        picture = decode(request.picture, self._limits)
        seconds = time.perf_counter() - started
        metrics = self._metrics_of(row)
        metrics.time("snag_decode_seconds", seconds)
        conditions = self._watch(picture, metrics)
        return _Loaded(picture, request.wants, seconds, request.group, conditions)

    def _watch(self, picture: Tensor, metrics: MetricsBuffer) -> dict[str, float]:
        """Measure and count how the picture was taken, beside the calibration pictures where their conditions are known."""
        exposure = brightness(picture)
        metrics.distribute("snag_brightness", exposure)
        if self._reference is None:
            return {"exposure": exposure}
        steepness = sharpness(picture)
        metrics.distribute("snag_sharpness", self._reference.sharpness.relative(steepness))
        if self._reference.exposure.is_outside(exposure):
            metrics.count("snag_out_of_reference_total", "exposure")
        if self._reference.sharpness.is_outside(steepness):
            metrics.count("snag_out_of_reference_total", "sharpness")
        return {"exposure": exposure, "sharpness": steepness}

    def _score(self, rows: Sequence[Row], loaded: Sequence[_Loaded | SnagError]) -> list[_Scored | SnagError]:
        """Scores of the good rows in one call; where that fails, row by row, so that the fault stays with its cause."""
        good = [item for item in loaded if isinstance(item, _Loaded)]
        try:
            together = iter(self._scored(good))
        except Exception:  # whatever it was, it happens again below, to the row that caused it
            return [
                item if isinstance(item, SnagError) else self._guarded(row, lambda item=item: self._scored([item])[0])
                for row, item in zip(rows, loaded, strict=True)
            ]
        return [item if isinstance(item, SnagError) else next(together) for item in loaded]

    def _scored(self, items: Sequence[_Loaded]) -> list[_Scored]:
        started = time.perf_counter()
        found = self._artifact.score([item.picture for item in items])
        seconds = time.perf_counter() - started
        return [_Scored(scores, seconds / len(items)) for scores in found]

    def _judge(self, row: Row, item: _Loaded, scored: _Scored | SnagError) -> Answer:
        if isinstance(scored, SnagError):
            raise scored
        scores = scored.scores
        self._metrics_of(row).time("snag_inference_seconds", scored.seconds)
        # https://www.w3.org/TR/server-timing: milliseconds
        headers = {"Server-Timing": f"decode;dur={1e3 * item.seconds:.1f}, score;dur={1e3 * scored.seconds:.1f}"}
        standard = self._calibration.compared_with(item.group)
        if row.explain:
            drawn = self._illustrator.overlay(item.picture, scores, standard)
            return self._checked_size(Answer(200, "image/png", drawn, headers))
        verdict = judge_by(standard, scores.anomaly_score, scores.reconstruction_error, scores.reason, item.group)
        body = verdict_json(verdict, self._model, self._version)
        body |= self._illustrator.extras(item.picture, scores, item.wants, standard)
        places = places_of(scores.anomaly_score, item.conditions, standard, self._reference)
        headers[RANKS_HEADER] = ranks_text(Ranks(self._name, places))
        answer = self._checked_size(Answer(200, JSON, json.dumps(body, allow_nan=False).encode(), headers))
        self._observe(verdict, self._metrics_of(row))
        return answer

    def _checked_size(self, answer: Answer) -> Answer:
        # An answer over the server's own limit would cost the worker its life, and every other client its answer.
        if len(answer.body) > self._settings.max_answer_bytes:
            raise MapTooLarge(bytes=len(answer.body), limit=self._settings.max_answer_bytes)
        return answer

    def _observe(self, verdict: Verdict, metrics: MetricsBuffer) -> None:
        if verdict.is_anomaly:
            metrics.count("snag_anomalies_total")
        if verdict.group is not None and not self._calibration.knows(verdict.group):
            metrics.count("snag_unknown_group_total")
        if verdict.reason is not None:  # such a picture has no score worth the name
            metrics.count("snag_unaligned_total", re.sub(r"\W", "_", verdict.reason, flags=re.ASCII))
            return
        scale = verdict.threshold if verdict.threshold > 0 else self.score_scale
        metrics.distribute("snag_score_ratio", verdict.score / scale)
        metrics.distribute("snag_p_value", verdict.p_value)

    def _metrics_of(self, row: Row) -> MetricsBuffer:
        return self._discarded if row.probe else self._metrics

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
        metrics = self._metrics_of(row)
        metrics.count("snag_requests_total", "explanations" if row.explain else "predictions")
        if not isinstance(outcome, SnagError):
            return outcome
        metrics.count("snag_errors_total", outcome.code)
        return Answer(outcome.status, JSON, json.dumps(error_json(outcome)).encode())
