"""A load on a server: so many clients that each wait for their answer, or so many requests a second that do not.

Under a rate, time counts from when a request was due, not from when the client got round to sending it: a server that stands
still must not look fast because its clients stood still too.
"""

from __future__ import annotations

import asyncio
import io
import random
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from types import TracebackType
from typing import Final

import aiohttp

from benchmarks.outcome import BenchmarkReply, PreparedRequest, RequestOutcome, TimedAnswer, outcome_of

_LONGEST_DETAIL: Final = 200
_RETRY_AT_LEAST: Final = 0.1  #: seconds before a second try, where the server names none
_RETRY_AT_MOST: Final = 10.0
#: What aiohttp would add by itself; a request is sent as it was prepared.
_NOT_ADDED: Final = ("Content-Type", "User-Agent", "Accept", "Accept-Encoding")


@dataclass(frozen=True)
class LoadTarget:
    """A server, and how its clients behave."""

    base: str  #: http://host:port
    timeout: float = 60.0  #: seconds that a client waits for an answer
    retry: bool = False  #: whether it asks once more where it was refused or got no answer
    headers: Mapping[str, str] = field(default_factory=dict)  #: sent with every request, for example a token


@dataclass(frozen=True)
class Load:
    """How much is sent; it ends after `seconds`, after `count` requests, or when it is told to."""

    clients: int | None = None  #: each sends its next request when it has its answer
    rate: float | None = None  #: requests a second, whatever the server does
    seconds: float | None = None
    count: int | None = None
    is_random: bool = False  #: under a rate: the pauses are exponential instead of equal
    seed: int = 0


def run(target: LoadTarget, requests: Iterable[PreparedRequest], load: Load) -> list[TimedAnswer]:
    """Send the load and wait for all answers; samples in the order of their ends.

    A sequence of requests is sent again and again, an iterator until it ends.
    """
    return asyncio.run(drive(target, requests, load))


async def drive(
    target: LoadTarget, requests: Iterable[PreparedRequest], load: Load, stop: threading.Event | None = None
) -> list[TimedAnswer]:
    """`run` within an event loop; ends early when `stop` is set, with the answers of what was sent."""
    samples: list[TimedAnswer] = []
    begin = time.perf_counter()
    queue = islice(cycle(requests) if isinstance(requests, Sequence) else requests, load.count)

    def is_over() -> bool:
        late = load.seconds is not None and time.perf_counter() - begin >= load.seconds
        return late or (stop is not None and stop.is_set())

    async with _session(target) as session, asyncio.TaskGroup() as tasks:

        async def send(request: PreparedRequest, due: float) -> None:
            samples.append(await _send(session, target, request, begin, due))

        async def client() -> None:
            for request in queue:
                if is_over():
                    return
                await send(request, time.perf_counter())

        for _ in range(load.clients or 0):
            tasks.create_task(client())
        if load.rate is not None:
            async for due, request in _when_due(queue, begin, load.rate, load.seed if load.is_random else None):
                if is_over():
                    break
                tasks.create_task(send(request, due))
    return samples


class Background:
    """A load that runs in a thread while the `with` block does something to the server; `samples` is complete afterwards."""

    def __init__(self, target: LoadTarget, requests: Iterable[PreparedRequest], load: Load) -> None:
        self.samples: list[TimedAnswer] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(target, requests, load))

    def __enter__(self) -> Background:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self, target: LoadTarget, requests: Iterable[PreparedRequest], load: Load) -> None:
        self.samples = asyncio.run(drive(target, requests, load, self._stop))


@dataclass(frozen=True)
class _Try:
    """What came of asking once."""

    outcome: RequestOutcome
    matched: int | None = None
    status: int | None = None
    detail: str = ""
    pause: float = _RETRY_AT_LEAST  #: seconds to wait before asking again


def _session(target: LoadTarget) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=target.timeout),
        headers=target.headers,
        skip_auto_headers=_NOT_ADDED,
        auto_decompress=False,
    )


async def _send(
    session: aiohttp.ClientSession, target: LoadTarget, request: PreparedRequest, begin: float, due: float
) -> TimedAnswer:
    found, tries = await _ask(session, target, request), 1
    if target.retry and found.outcome in (RequestOutcome.REFUSED, RequestOutcome.LOST):
        await asyncio.sleep(found.pause)
        found, tries = await _ask(session, target, request), 2
    spent = time.perf_counter() - due
    kept = request if found.outcome in (RequestOutcome.LOST, RequestOutcome.WRONG) else None
    return TimedAnswer(request.name, due - begin, spent, found.outcome, found.status, found.matched, tries, found.detail, kept)


async def _ask(session: aiohttp.ClientSession, target: LoadTarget, request: PreparedRequest) -> _Try:
    body = io.BytesIO(request.body) if request.body else None
    try:
        async with session.request(request.method, target.base + request.path, data=body, headers=request.headers) as answer:
            reply = BenchmarkReply(answer.status, answer.headers.get("Content-Type", ""), await answer.read())
            pause = answer.headers.get("Retry-After", "")
    except aiohttp.ClientConnectorError as error:  # nothing was sent
        return _Try(RequestOutcome.REFUSED, detail=str(error)[:_LONGEST_DETAIL])
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return _Try(RequestOutcome.LOST, detail=f"{type(error).__name__}: {error}"[:_LONGEST_DETAIL])
    outcome, matched = outcome_of(reply, request.answers)
    detail = "" if outcome is RequestOutcome.RIGHT else reply.body[:_LONGEST_DETAIL].decode(errors="replace")
    wait = min(float(pause), _RETRY_AT_MOST) if pause.isdecimal() else _RETRY_AT_LEAST
    return _Try(outcome, matched, reply.status, detail, wait)


async def _when_due(
    queue: Iterator[PreparedRequest], begin: float, rate: float, seed: int | None
) -> AsyncIterator[tuple[float, PreparedRequest]]:
    """Each request when it is due, evenly or, with a seed, after exponential pauses."""
    pauses = random.Random(seed)
    due = begin
    for request in queue:
        await asyncio.sleep(due - time.perf_counter())
        yield due, request
        due += 1 / rate if seed is None else pauses.expovariate(rate)
