"""The gate while workers, connections or TorchServe itself are lost: it waits, asks again, or says so."""

import asyncio

import pytest

from snag.gate.upstream.versions import Wanted
from tests.support.torchserve import (
    GOOD,
    VERDICT,
    WORKER_DIED,
    WORKER_WAS_TOO_SLOW,
    FakeTorchServe,
    after,
    has_been_asked,
    house,
    lacks_workers,
    ready,
    reset,
    run,
    says,
    until,
)

PREDICT = "/predictions/bolt"


class TestLostWorkers:
    @pytest.mark.parametrize("loss", [WORKER_DIED, WORKER_WAS_TOO_SLOW, reset])
    @run
    async def test_asked_again(self, tmp_path, loss):
        """A request whose worker or connection is lost is asked again with the same body; the client gets its verdict."""
        async with house(tmp_path) as one:
            one.torchserve.script = [loss]

            status, said, _ = await one.ask(PREDICT, data=b"x" * 2_000_000)

            assert (status, said) == (200, VERDICT)
            assert [len(body) for _, _, body in one.torchserve.asked] == [2_000_000] * 2
            assert 'snag_http_retries_total{model_name="bolt"} 1.0' in (await one.ask("/metrics", "GET", None, "metrics"))[1]

    @run
    async def test_not_for_ever(self, tmp_path):
        """After a second loss the client is told, and when to come again."""
        async with house(tmp_path) as one:
            one.torchserve.script = [WORKER_DIED, WORKER_DIED]

            status, said, headers = await one.ask(PREDICT)

            assert (status, said["error"]["code"], headers["Retry-After"]) == (503, "unavailable", "3")
            assert len(one.torchserve.asked) == 2

    @run
    async def test_stale_connections(self, tmp_path):
        """TorchServe hangs up behind every error; the requests that follow do not suffer from it."""
        async with house(tmp_path) as one:
            for _ in range(10):
                one.torchserve.script = [says(400, {"error": {"code": "broken_picture", "message": "x"}})]

                assert [(await one.ask(PREDICT))[0] for _ in range(2)] == [400, 200]

    @run
    async def test_restarting_torchserve(self, tmp_path):
        """While TorchServe is away requests wait, and are answered by the one that is started next, on other ports."""
        async with house(tmp_path) as one:
            await one.torchserve.stop()
            early = asyncio.create_task(one.ask(PREDICT))  # the gate has not noticed yet
            await asyncio.sleep(0.1)
            one.gate.connect(None)
            late = asyncio.create_task(one.ask(PREDICT))
            successor = FakeTorchServe()
            await successor.start()
            one.gate.connect(successor.upstream)

            answers = await asyncio.gather(early, late)

            await successor.stop()
            await one.torchserve.start()
        assert [status for status, _, _ in answers] == [200, 200]

    @run
    async def test_no_worker(self, tmp_path):
        """Without a worker requests wait for one, and are refused after the grace: never sent to where they would hang."""
        async with house(tmp_path, grace_seconds=0.3) as one:
            one.torchserve.models["bolt"]["1.0"] = (0, 1)
            await until(lambda: lacks_workers(one))

            assert [await one.code(), await one.code()] == [(503, "unavailable")] * 2
            assert one.torchserve.asked == []
            one.torchserve.models["bolt"]["1.0"] = (1, 1)
            await until(lambda: ready(one))
            assert (await one.ask(PREDICT))[0] == 200

    @run
    async def test_hanging(self, tmp_path):
        """A request that TorchServe took just before the workers died is given up with the grace, not after a minute."""
        async with house(tmp_path, grace_seconds=0.3) as one:
            one.torchserve.script = [after(asyncio.Event(), GOOD)]
            asked = asyncio.create_task(one.code())
            await until(lambda: has_been_asked(one))
            one.torchserve.models["bolt"]["1.0"] = (0, 1)

            assert await asked == (503, "unavailable")

    @run
    async def test_slow_worker(self, tmp_path):
        """A worker that takes too long is a timeout, though it lives."""
        async with house(tmp_path, answer_seconds=0.2) as one:
            one.torchserve.script = [after(asyncio.Event(), GOOD)]

            assert await one.code() == (504, "timeout")

    @run
    async def test_one_model_of_two(self, tmp_path):
        """A model without workers takes nothing from the others."""
        async with house(tmp_path, grace_seconds=0.2) as one:
            one.torchserve.models["nut"] = {"1.0": (0, 1)}
            await until(lambda: lacks_workers(one))

            assert (await one.code("/predictions/nut"), (await one.ask(PREDICT))[0]) == ((503, "unavailable"), 200)

    @run
    async def test_default_version(self, tmp_path):
        """What counts is the version that would answer: the default one, or the one that is named."""
        async with house(tmp_path, grace_seconds=0.2) as one:
            one.torchserve.models["bolt"] = {"1.0": (0, 1), "2.0": (1, 1)}
            one.torchserve.defaults["bolt"] = "1.0"
            await until(lambda: lacks_workers(one))

            assert (await one.code(), (await one.ask(f"{PREDICT}/2.0"))[0]) == ((503, "unavailable"), 200)

    @run
    async def test_not_registered_yet(self, tmp_path):
        """A model that should be there, but is not yet, is waited for; one that failed to load is refused with the reason."""
        async with house(tmp_path, grace_seconds=5) as one:
            one.gate.expect([Wanted("bolt", "1.0"), Wanted("nut", "1.0"), Wanted("cap", "1.0", failed="bad digest")])
            waiting = asyncio.create_task(one.ask("/predictions/nut"))
            await asyncio.sleep(0.2)
            one.torchserve.models["nut"] = {"1.0": (1, 1)}

            _, refused, _ = await one.ask("/predictions/cap")

            assert (await waiting)[0] == 200
            assert "cap could not be loaded: bad digest" in refused["error"]["message"]

    @run
    async def test_never_connected(self, tmp_path):
        """A gate whose TorchServe does not come up says so."""
        async with house(tmp_path, connected=False, grace_seconds=0.2) as one:
            assert await one.code() == (503, "unavailable")
