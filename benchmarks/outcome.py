"""What became of the requests of a load: right, refused, lost or wrong, and the figures made of them. No input, no output."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Any, Final

JSON: Final = "application/json"
REFUSALS: Final = (429, 503)  #: statuses that say "not now" and promise that nothing was done


class RequestOutcome(StrEnum):
    """The four ends of a request."""

    RIGHT = "right"  #: the answer that it must get
    REFUSED = "refused"  #: a clean 429 or 503, or nobody listened: the client knows, and may ask again
    LOST = "lost"  #: no answer: connection broken, or nothing before the client's patience ended
    WRONG = "wrong"  #: any other answer


@dataclass(frozen=True)
class Expected:
    """An answer: a verdict, an error, or a picture."""

    status: int = 200
    score: float | None = None  #: of a verdict; None: any
    tolerance: float = 0.0  #: greatest difference of the score
    version: str | None = None  #: of the model that answers; None: any
    code: str | None = None  #: of an error in Snag's shape; None: any
    content_type: str = JSON


@dataclass(frozen=True)
class PreparedRequest:
    """A request, ready to be sent, and the answers of which it must get one (two while versions change)."""

    name: str  #: what kind of request it is
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    answers: tuple[Expected, ...] = (Expected(),)
    method: str = "POST"


@dataclass(frozen=True)
class BenchmarkReply:
    """What came back."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True)
class TimedAnswer:
    """One request that was sent."""

    name: str
    at: float  #: seconds from the load's begin to when it was sent; with a rate, to when it was due
    seconds: float  #: until its answer, a second try included
    outcome: RequestOutcome
    status: int | None = None  #: None: no answer
    matched: int | None = None  #: which of its answers it got
    tries: int = 1
    detail: str = ""  #: of a wrong or missing answer
    request: PreparedRequest | None = None  #: what was sent, where the answer was wrong or missing


@dataclass(frozen=True)
class Summary:
    """The figures of some samples; times are seconds, of right answers alone."""

    sent: int
    right: int
    refused: int
    lost: int
    wrong: int
    tried_twice: int
    per_second: float  #: right answers
    p50: float
    p90: float
    p99: float
    p999: float
    worst: float


@dataclass(frozen=True)
class Second:
    """What was answered, or given up, within one second."""

    second: int
    counts: Counter[RequestOutcome]
    p50: float
    p99: float


def outcome_of(reply: BenchmarkReply, answers: Sequence[Expected]) -> tuple[RequestOutcome, int | None]:
    """The end of a request that was answered with `reply`, and the index of the expected answer that it was."""
    content = _json(reply)
    for index, expected in enumerate(answers):
        if _fits(reply, content, expected):
            return RequestOutcome.RIGHT, index
    if reply.status in REFUSALS and error_code(reply) is not None:
        return RequestOutcome.REFUSED, None
    return RequestOutcome.WRONG, None


def error_code(reply: BenchmarkReply) -> str | None:
    """The code of an error in the one shape in which errors leave Snag, else None."""
    problem = _json(reply).get("error")
    if not isinstance(problem, dict) or set(problem) != {"code", "message"}:
        return None
    code, message = problem["code"], problem["message"]
    return code if isinstance(code, str) and isinstance(message, str) and message else None


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed; not a number where there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def summary(samples: Sequence[TimedAnswer], seconds: float | None = None) -> Summary:
    """Figures of a load that took `seconds`; without, the time from the first request to the last answer counts."""
    counts = Counter(sample.outcome for sample in samples)
    times = [sample.seconds for sample in samples if sample.outcome is RequestOutcome.RIGHT]
    spent = seconds or max((sample.at + sample.seconds for sample in samples), default=0.0)
    return Summary(
        sent=len(samples),
        right=counts[RequestOutcome.RIGHT],
        refused=counts[RequestOutcome.REFUSED],
        lost=counts[RequestOutcome.LOST],
        wrong=counts[RequestOutcome.WRONG],
        tried_twice=sum(sample.tries > 1 for sample in samples),
        per_second=counts[RequestOutcome.RIGHT] / spent if spent else 0.0,
        p50=quantile(times, 0.5),
        p90=quantile(times, 0.9),
        p99=quantile(times, 0.99),
        p999=quantile(times, 0.999),
        worst=max(times, default=math.nan),
    )


def timeline(samples: Iterable[TimedAnswer]) -> list[Second]:
    """The seconds of a load in which requests ended, in order."""

    def end(sample: TimedAnswer) -> int:
        return int(sample.at + sample.seconds)

    return [_second(second, list(group)) for second, group in groupby(sorted(samples, key=end), key=end)]


def _second(second: int, samples: list[TimedAnswer]) -> Second:
    times = [sample.seconds for sample in samples if sample.outcome is RequestOutcome.RIGHT]
    return Second(second, Counter(sample.outcome for sample in samples), quantile(times, 0.5), quantile(times, 0.99))


def _fits(reply: BenchmarkReply, content: dict[str, Any], expected: Expected) -> bool:
    if reply.status != expected.status or reply.content_type.partition(";")[0] != expected.content_type:
        return False
    if expected.content_type != JSON:
        return True
    if expected.status >= 400:
        return (code := error_code(reply)) is not None and expected.code in (None, code)
    score = content.get("score")
    if not isinstance(score, float) or expected.version not in (None, content.get("version")):
        return False
    return expected.score is None or abs(score - expected.score) <= expected.tolerance


def _json(reply: BenchmarkReply) -> dict[str, Any]:
    if reply.content_type.partition(";")[0] != JSON:
        return {}
    try:
        content = json.loads(reply.body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
