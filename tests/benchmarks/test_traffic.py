"""The load generator against small servers that behave, refuse, hang and hang up."""

import asyncio
import threading
import time
from contextlib import contextmanager
from itertools import pairwise

import pytest
from aiohttp import web

from benchmarks.live import free_ports
from benchmarks.outcome import Expected, PreparedRequest, RequestOutcome
from benchmarks.traffic import Background, Load, LoadTarget, run


@contextmanager
def serving(handler):
    """A server in a thread that answers everything with `handler`; gives its address."""
    loop, (port,) = asyncio.new_event_loop(), free_ports(1)
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def start():
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()

    async def end():
        await runner.cleanup()
        pending = asyncio.all_tasks() - {asyncio.current_task()}
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def length(request):
    """A verdict whose score is the length of what was sent."""
    return web.json_response({"score": float(len(await request.read())), "version": "1.0"})


def picture(size):
    return PreparedRequest(f"{size} bytes", "/predictions/a", b"x" * size, answers=(Expected(score=float(size)),))


def test_every_request_gets_its_own_answer():
    """With many clients at once each answer is compared with what its own request must get."""
    requests = [picture(size) for size in (1, 1000, 2_000_000)]

    with serving(length) as base:
        samples = run(LoadTarget(base), requests, Load(clients=4, count=30))

    assert len(samples) == 30
    assert {sample.outcome for sample in samples} == {RequestOutcome.RIGHT}
    assert {sample.name for sample in samples} == {request.name for request in requests}


def test_request_is_sent_as_it_was_prepared():
    """Method, path and headers are those of the request and of the target; no content type is made up."""
    seen = []

    async def handler(request):
        seen.append((request.method, request.path, dict(request.headers)))
        return await length(request)

    with serving(handler) as base:
        request = PreparedRequest("a", "/b/c", b"123", {"X-Line": "7"}, (Expected(score=3.0),), "PUT")
        run(LoadTarget(base, headers={"Authorization": "Bearer t"}), [request], Load(clients=1, count=1))

    (method, path, headers) = seen[0]
    assert (method, path) == ("PUT", "/b/c")
    assert set(headers) == {"Host", "Authorization", "X-Line", "Content-Length"}


def test_wrong_answers_are_quoted():
    """What should not have come is kept for the reader."""
    with serving(length) as base:
        (sample,) = run(
            LoadTarget(base), [PreparedRequest("a", "/", b"12", answers=(Expected(score=9.0),))], Load(clients=1, count=1)
        )

    assert (sample.outcome, sample.status) == (RequestOutcome.WRONG, 200)
    assert sample.detail == '{"score": 2.0, "version": "1.0"}'


def test_nobody_listens():
    """A refused connection is a refusal: nothing was sent."""
    target = LoadTarget(f"http://127.0.0.1:{free_ports(1)[0]}")

    (sample,) = run(target, [picture(1)], Load(clients=1, count=1))

    assert (sample.outcome, sample.status) == (RequestOutcome.REFUSED, None)


async def hang_up(request):
    """Close the connection without an answer."""
    request.transport.abort()
    return web.Response()


async def hang(request):
    """Answer too late."""
    await asyncio.sleep(2)
    return web.Response()


@pytest.mark.parametrize("handler", [hang_up, hang])
def test_no_answer_is_a_loss(handler):
    """A broken connection and a silent server both leave the client without an answer."""
    with serving(handler) as base:
        (sample,) = run(LoadTarget(base, timeout=0.3), [picture(1)], Load(clients=1, count=1))

    assert (sample.outcome, sample.status, sample.tries) == (RequestOutcome.LOST, None, 1)
    assert sample.detail


async def refuse(request):
    """Say "not now"."""
    return web.json_response(
        {"error": {"code": "overloaded", "message": "a sentence"}}, status=503, headers={"Retry-After": "0"}
    )


@pytest.mark.parametrize("first", [hang_up, refuse])
def test_second_try(first):
    """A client that may retry asks once more after a refusal or a loss, and the second answer counts."""
    asked = []

    async def handler(request):
        asked.append(request)
        return await (first if len(asked) == 1 else length)(request)

    with serving(handler) as base:
        (sample,) = run(LoadTarget(base, retry=True), [picture(5)], Load(clients=1, count=1))

    assert (sample.outcome, sample.tries, len(asked)) == (RequestOutcome.RIGHT, 2, 2)


def test_no_third_try():
    """Refused twice is refused."""
    with serving(refuse) as base:
        (sample,) = run(LoadTarget(base, retry=True), [picture(5)], Load(clients=1, count=1))

    assert (sample.outcome, sample.status, sample.tries) == (RequestOutcome.REFUSED, 503, 2)


@pytest.mark.parametrize("is_random", [False, True])
def test_rate_does_not_wait_for_answers(is_random):
    """Under a rate requests are sent when they are due, and time counts from then."""
    with serving(hang) as base:
        samples = run(LoadTarget(base, timeout=1.0), [picture(1)], Load(rate=50, count=20, is_random=is_random))

    times = sorted(sample.at for sample in samples)
    assert len(times) == 20
    assert times[-1] < 1.0
    assert (len({round(after - before, 6) for before, after in pairwise(times)}) == 1) is not is_random
    assert all(sample.seconds >= 1.0 for sample in samples)


def test_background():
    """A background load lasts as long as its block, and every request of it has its end afterwards."""
    with serving(length) as base, Background(LoadTarget(base), [picture(3)], Load(clients=2)) as load:
        time.sleep(0.3)

    assert load.samples
    assert {sample.outcome for sample in load.samples} == {RequestOutcome.RIGHT}
    assert max(sample.at for sample in load.samples) >= 0.1
