"""What a worker does with a part: read, judge as the server does, write. It may be done twice and comes out the same."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch

from snag.core import inspection
from snag.core.artifact import load_artifact
from snag.core.calibration import read_calibration
from snag.core.errors import ArtifactMismatch, UnreadableFile
from snag.core.inspection import RowInspector
from snag.core.serving import ServingSettings
from snag.core.telemetry import MetricsBuffer
from snag.core.wire import error_json, parse_verdict
from snag.offline.plan import pictures
from snag.offline.rows import ScoreRow, write_part
from snag.offline.sources import Entry, read


@dataclass(frozen=True)
class Job:
    """All that a worker is told; it travels to the workers."""

    run: Path
    serving: ServingSettings
    plan: Path
    parts: Path  #: folder of the finished parts
    size: int  #: pictures in a part
    count: int  #: pictures in all
    origin: Mapping[str, Any]  #: what the results are made from; stands in every file

    @property
    def numbers(self) -> range:
        """The numbers of the parts."""
        return range(-(-self.count // self.size))

    def bounds(self, number: int) -> tuple[int, int]:
        """First picture of a part, and the one after its last."""
        return number * self.size, min((number + 1) * self.size, self.count)

    def part(self, number: int) -> Path:
        """Where the part lies when it is finished."""
        start, stop = self.bounds(number)  # in its name, so that another size of the parts finds none of these
        return self.parts / f"part-{start:010d}-{stop:010d}.parquet"


@dataclass(frozen=True)
class OfflineJudge:
    """The server's own inspector, given files instead of requests: there is one scoring path."""

    run: Path
    serving: ServingSettings
    metrics: MetricsBuffer = field(default_factory=MetricsBuffer)

    @cached_property
    def inspector(self) -> RowInspector:
        """Loaded at the first picture."""
        torch.set_num_threads(1)  # a worker for each core
        artifact, calibration = load_artifact(self.run / "snag.pt"), read_calibration(self.run / "calibration.json")
        return RowInspector(artifact, calibration, self.serving, self.run.name, "offline", self.metrics, _say)

    def row(self, entry: Entry) -> ScoreRow:
        """One picture's row. The pictures go through one by one: batches gain nothing on a CPU, and cost memory."""
        try:
            request = inspection.Row({"body": read(entry)}, request_id=entry.name)
        except UnreadableFile as error:
            return _refused(entry.name, error_json(error))
        answer = self.inspector.answer([request])[0]
        body = json.loads(answer.body)
        if answer.status != 200:
            return _refused(entry.name, body)
        said = parse_verdict(body)
        return ScoreRow(entry.name, said.is_anomaly, said.score, said.p_value, said.reconstruction_error, said.reason)

    def overlay(self, entry: Entry) -> bytes | None:
        """The heat map laid over the picture, as PNG; None for a picture that can no longer be read."""
        try:
            answer = self.inspector.answer([inspection.Row({"body": read(entry)}, explain=True)])[0]
        except UnreadableFile:
            return None
        return answer.body if answer.status == 200 else None


def score_part(job: Job, number: int) -> Counter[str]:
    """Score one part and write it. Counts of what was found, by the error's code or "judged". Raises DiskFull."""
    judge = judge_of(job)
    rows = [judge.row(entry) for entry in pictures(job.plan, *job.bounds(number))]
    judge.metrics.take()  # nobody scrapes it, and it would grow
    write_part(rows, job.part(number), job.origin)
    return Counter(row.code or "judged" for row in rows)


def judge_of(job: Job) -> OfflineJudge:
    """Who judges in this process. Raises ArtifactMismatch."""
    return _judge(job.run, job.serving, str(job.origin["model"]))


@lru_cache(maxsize=1)
def _judge(run: Path, serving: ServingSettings, fingerprint: str) -> OfflineJudge:
    """Kept while the worker lives. Raises ArtifactMismatch when the worker finds another model than the command did."""
    found = load_artifact(run / "snag.pt").fingerprint
    if found != fingerprint:
        raise ArtifactMismatch(calibration="the scoring", expected=fingerprint[:12], artifact=run / "snag.pt", found=found[:12])
    return OfflineJudge(run, serving)


def _refused(name: str, body: Mapping[str, Any]) -> ScoreRow:
    return ScoreRow(name, code=body["error"]["code"], message=body["error"]["message"])


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
