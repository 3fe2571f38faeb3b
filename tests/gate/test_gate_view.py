"""What the gate shows: the management view and the scrape."""

import asyncio
import re
import time

import pytest

from snag.gate.gate import Gate
from snag.gate.settings import GateSettings
from snag.gate.upstream.versions import Wanted
from tests.support.torchserve import GOOD, WORKER_DIED, after, complains, has_been_asked, house, run, until

PREDICT = "/predictions/bolt"


class TestManagement:
    @run
    async def test_view(self, tmp_path):
        """Models are described as TorchServe describes them, without anybody's knowing its key."""
        async with house(tmp_path) as one:
            listed = await one.ask("/models?limit=5&customized=true", "GET", None, "management")
            described = await one.ask("/models/bolt/all", "GET", None, "management")

            assert listed[:2] == (200, {"models": [{"modelName": "bolt", "modelUrl": "bolt.mar"}]})
            assert (described[0], described[1][0]["modelVersion"]) == (200, "1.0")
            assert "/models?limit=5" in one.torchserve.managed

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/models?url=http://evil/x.mar"),
            ("POST", "/models"),
            ("PUT", "/models/bolt?min_worker=0"),
            ("PUT", "/models/bolt/2.0/set-default"),
            ("DELETE", "/models/bolt"),
            ("OPTIONS", "/models"),
            ("HEAD", "/models"),
            ("POST", "/predictions/bolt"),
        ],
    )
    @run
    async def test_changes_nothing(self, tmp_path, method, path):
        """Whatever would change something is refused, and TorchServe does not hear of it."""
        async with house(tmp_path) as one:
            async with one.client.request(method, one.url(path, "management")) as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "GET")

            assert [
                path
                for path in one.torchserve.managed
                if not re.fullmatch(r"/models(\?limit=100&next_page_token=0|/bolt/all)", path)
            ] == []

    @pytest.mark.parametrize(
        "path", ["/", "/token?type=inference", "/models/../token", "/models/bolt/1.0/x", "/api-description"]
    )
    @run
    async def test_nothing_else(self, tmp_path, path):
        """There is nothing there but descriptions of models."""
        async with house(tmp_path) as one:
            said = await one.talk(f"GET {path} HTTP/1.0\r\n\r\n".encode(), "management")

            assert said.startswith(b"HTTP/1.0 404 ")

    @run
    async def test_unknown_model(self, tmp_path):
        """A model that there is not is Snag's own error."""
        async with house(tmp_path) as one:
            assert await one.code("/models/nut", method="GET", port="management") == (404, "unknown_model")

    @run
    async def test_torchserve_gone(self, tmp_path):
        """Without TorchServe, or without its goodwill, the view says so."""
        async with house(tmp_path) as one:
            one.torchserve.described = False
            unwilling = await one.code("/models", method="GET", port="management")
            await one.torchserve.stop()
            gone = await one.code("/models", method="GET", port="management")
            one.gate.connect(None)
            known = await one.code("/models", method="GET", port="management")
            await one.torchserve.start()

        assert [unwilling, gone, known] == [(503, "unavailable")] * 3


class TestMetrics:
    @run
    async def test_counted(self, tmp_path):
        """Requests are counted by model, endpoint and status; names that clients make up do not become labels."""
        async with house(tmp_path) as one:
            await one.ask(PREDICT)
            await one.ask("/explanations/bolt")
            one.torchserve.script = [WORKER_DIED, GOOD, complains(404, "ModelNotFoundException", "x")]
            await one.ask(PREDICT)
            await one.ask("/predictions/made-up")
            await one.ask("/nowhere", "GET", None)
            await one.ask("/health/live", "GET", None)
            await one.talk(b"garbage\r\n\r\n")
            samples = await one.scrape()

        counts = {labels: value for (name, labels), value in samples.items() if name == "snag_http_requests_total"}
        assert counts == {
            (("endpoint", "predictions"), ("model_name", "bolt"), ("status", "200")): 2,
            (("endpoint", "explanations"), ("model_name", "bolt"), ("status", "200")): 1,
            (("endpoint", "predictions"), ("model_name", "unknown"), ("status", "404")): 1,
            (("endpoint", "other"), ("model_name", "unknown"), ("status", "404")): 1,
            (("endpoint", "invalid"), ("model_name", "unknown"), ("status", "400")): 1,
        }
        assert samples["snag_http_retries_total", (("model_name", "bolt"),)] == 1
        asked = (("endpoint", "predictions"), ("model_name", "bolt"))
        assert samples["snag_http_request_duration_seconds_count", asked] == 2

    @run
    async def test_state(self, tmp_path):
        """Workers, default version, queue, readiness and restarts are shown as they are; TorchServe's own metrics too."""
        async with house(tmp_path) as one:
            one.torchserve.models["bolt"] = {"1.0": (1, 2), "2.0": (2, 2)}
            one.torchserve.defaults["bolt"] = "2.0"
            one.gate.metrics.restarts.inc()
            await until(lambda: shows_two(one))
            samples = await one.scrape()

        shown = [
            {dict(labels)["model_version"]: value for (name, labels), value in samples.items() if name == f"snag_{what}"}
            for what in ("workers_ready", "workers_wanted", "default_version", "queue_length")
        ]
        assert shown == [{"1.0": 1, "2.0": 2}, {"1.0": 2, "2.0": 2}, {"1.0": 0, "2.0": 1}, {"1.0": 7, "2.0": 7}]
        assert (samples["snag_ready", ()], samples["snag_torchserve_restarts_total", ()]) == (0, 1)
        assert 0 < time.time() - samples["snag_start_timestamp_seconds", ()] < 3600
        assert samples["QueueTime", ()] == 3

    @run
    async def test_in_flight(self, tmp_path):
        """What is under way is shown while it is."""
        async with house(tmp_path) as one:
            gone = asyncio.Event()
            one.torchserve.script = [after(gone, GOOD)]
            asked = asyncio.create_task(one.ask(PREDICT))
            await until(lambda: has_been_asked(one))
            during = (await one.scrape())["snag_http_in_flight", ()]
            gone.set()
            await asked

            assert (during, (await one.scrape())["snag_http_in_flight", ()]) == (1, 0)

    @run
    async def test_without_torchserve(self, tmp_path):
        """The gate's own metrics are there also while TorchServe's are not."""
        async with house(tmp_path) as one:
            await one.torchserve.stop()
            silent = await one.scrape()
            one.gate.connect(None)
            one.gate.expect([Wanted("bolt", "1.0")])
            gone = await one.scrape()
            await one.torchserve.start()

        assert (("QueueTime", ()) in silent, ("snag_ready", ()) in silent, gone["snag_ready", ()]) == (False, True, 0)

    @run
    async def test_only_the_scrape(self, tmp_path):
        """The port has one path and one method."""
        async with house(tmp_path) as one:
            wrong = [await one.code("/", method="GET", port="metrics"), await one.code("/metrics", port="metrics")]

        assert wrong == [(404, "not_found"), (405, "method_not_allowed")]


@run
async def test_settings_are_enough(tmp_path):
    """A gate that is made but never opened can be closed."""
    gate = Gate(GateSettings(("127.0.0.1", 1), ("127.0.0.1", 2), ("127.0.0.1", 3), None, tmp_path / "x.log"))

    await gate.close()


async def shows_two(one):
    """Whether the gate has seen both versions."""
    return ("snag_workers_ready", (("model_name", "bolt"), ("model_version", "2.0"))) in await one.scrape()
