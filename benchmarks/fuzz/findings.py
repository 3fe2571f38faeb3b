"""What a run of fuzzing showed: answers by kind and status, memory by process, and every input that was answered wrongly."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from benchmarks.live import Usage
from benchmarks.outcome import PreparedRequest, RequestOutcome, TimedAnswer, quantile
from benchmarks.tables import table
from snag.core.files import write_bytes, write_text

GROWTH: Final = 0.05  #: memory may grow by so much after warm-up
_MEGABYTE: Final = 2**20
_SLOWEST: Final = 10


@dataclass(frozen=True)
class InputFinding:
    """Everything that a run was about."""

    samples: Sequence[TimedAnswer]
    before: Sequence[Usage]  #: after warm-up
    after: Sequence[Usage]

    @property
    def growth(self) -> float:
        """Share by which all processes together grew in memory after warm-up (PSS)."""
        return sum(one.pss for one in self.after) / sum(one.pss for one in self.before) - 1

    @property
    def is_alive(self) -> bool:
        """Whether the same processes run as before."""
        return {one.pid for one in self.before} == {one.pid for one in self.after}

    @property
    def odd(self) -> list[TimedAnswer]:
        """The requests that did not get an answer that they may get."""
        return [sample for sample in self.samples if sample.outcome is not RequestOutcome.RIGHT]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was answered wrongly, nothing died and nothing grew."""
        return not self.odd and self.is_alive and self.growth <= GROWTH


def markdown(finding: InputFinding) -> str:
    """The run's tables."""
    sums = Counter(sample.outcome for sample in finding.samples)
    verdict = (
        f"{len(finding.samples)} requests: {', '.join(f'{sums[one]} {one}' for one in RequestOutcome)}; "
        f"server errors: {sum((sample.status or 0) >= 500 for sample in finding.samples)}; "
        f"processes {'the same' if finding.is_alive else 'REPLACED'}; memory {finding.growth:+.1%} after warm-up\n"
    )
    parts = [verdict, _kinds(finding.samples), _memory(finding), _slowest(finding.samples)]
    if finding.odd:
        head = ("kind", "end", "status", "detail")
        quoted = [(one.name, one.outcome, one.status, f"`{one.detail}`") for one in finding.odd[:50]]
        parts.append(table(head, quoted))
    return "\n".join(parts)


def write_findings(samples: Sequence[TimedAnswer], folder: Path) -> None:
    """One folder for each input that was not answered as it may be: the body, and how it was sent; older ones go."""
    shutil.rmtree(folder, ignore_errors=True)
    kept = ((sample, sample.request) for sample in samples if sample.request is not None)
    for number, (sample, request) in enumerate(kept):
        write_bytes(folder / f"{number:04}" / "body", request.body)
        write_text(folder / f"{number:04}" / "request.json", json.dumps(_described(sample, request), indent=1) + "\n")


def _described(sample: TimedAnswer, request: PreparedRequest) -> dict[str, object]:
    kept = {"kind": request.name, "method": request.method, "path": request.path, "headers": dict(request.headers)}
    return {**kept, "end": sample.outcome, "status": sample.status, "answer": sample.detail}


def _kinds(samples: Sequence[TimedAnswer]) -> str:
    statuses = sorted({sample.status for sample in samples}, key=lambda status: status or 0)
    rows = []
    for name, group in groupby(sorted(samples, key=_name), key=_name):
        counts = Counter(sample.status for sample in group)
        rows.append((name, *(counts[status] or "" for status in statuses)))
    return table(("kind", *(status or "no answer" for status in map(str, statuses))), rows)


def _memory(finding: InputFinding) -> str:
    after = {one.pid: one for one in finding.after}
    rows = []
    for one in finding.before:
        now = after.get(one.pid)
        rest = (now.rss // _MEGABYTE, now.pss // _MEGABYTE, now.handles) if now else ("-", "-", "-")
        rows.append((one.kind, one.rss // _MEGABYTE, rest[0], one.pss // _MEGABYTE, rest[1], one.handles, rest[2]))
    return table(("process", "RSS MB", "after", "PSS MB", "after", "handles", "after"), rows)


def _slowest(samples: Sequence[TimedAnswer]) -> str:
    rows = []
    for name, group in groupby(sorted(samples, key=_name), key=_name):
        times = [1e3 * sample.seconds for sample in group]
        rows.append((name, len(times), quantile(times, 0.5), max(times)))
    return table(("slowest kinds", "requests", "p50 ms", "worst ms"), sorted(rows, key=lambda row: -row[2])[:_SLOWEST])


def _name(sample: TimedAnswer) -> str:
    return sample.name
