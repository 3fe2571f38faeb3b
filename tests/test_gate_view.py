"""What the gate shows: the management view, the scrape, and the log of requests."""

import asyncio
import json
import re
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gate.answer import Answer
from gate.gate import Gate
from gate.log import Log
from gate.record import Record
from gate.settings import GateSettings
from gate.upstream import Wanted
from tests.torchserve import GOOD, VERDICT, WORKER_DIED, after, complains, has_been_asked, house, run, says, until

PREDICT = "/predictions/bolt"


async def scrape(one):
    """Every sample of the scrape: name with sorted labels, to value."""
    _, text, _ = await one.ask("/metrics", "GET", None, "metrics")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


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

            assert [path for path in one.torchserve.managed if not re.fullmatch(r"/models(\?limit=1000|/bolt/all)", path)] == []

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
            samples = await scrape(one)

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
            samples = await scrape(one)

        shown = [
            {dict(labels)["model_version"]: value for (name, labels), value in samples.items() if name == f"snag_{what}"}
            for what in ("workers_ready", "workers_wanted", "default_version", "queue_length")
        ]
        assert shown == [{"1.0": 1, "2.0": 2}, {"1.0": 2, "2.0": 2}, {"1.0": 0, "2.0": 1}, {"1.0": 7, "2.0": 7}]
        assert (samples["snag_ready", ()], samples["snag_torchserve_restarts_total", ()]) == (0, 1)
        assert samples["QueueTime", ()] == 3

    @run
    async def test_in_flight(self, tmp_path):
        """What is under way is shown while it is."""
        async with house(tmp_path) as one:
            gone = asyncio.Event()
            one.torchserve.script = [after(gone, GOOD)]
            asked = asyncio.create_task(one.ask(PREDICT))
            await until(lambda: has_been_asked(one))
            during = (await scrape(one))["snag_http_in_flight", ()]
            gone.set()
            await asked

            assert (during, (await scrape(one))["snag_http_in_flight", ()]) == (1, 0)

    @run
    async def test_without_torchserve(self, tmp_path):
        """The gate's own metrics are there also while TorchServe's are not."""
        async with house(tmp_path) as one:
            await one.torchserve.stop()
            silent = await scrape(one)
            one.gate.connect(None)
            one.gate.expect([Wanted("bolt", "1.0")])
            gone = await scrape(one)
            await one.torchserve.start()

        assert (("QueueTime", ()) in silent, ("snag_ready", ()) in silent, gone["snag_ready", ()]) == (False, True, 0)

    @run
    async def test_only_the_scrape(self, tmp_path):
        """The port has one path and one method."""
        async with house(tmp_path) as one:
            wrong = [await one.code("/", method="GET", port="metrics"), await one.code("/metrics", port="metrics")]

        assert wrong == [(404, "not_found"), (405, "method_not_allowed")]


class TestLog:
    @run
    async def test_verdict(self, tmp_path):
        """A line says who was asked what, the verdict, and how long what took."""
        async with house(tmp_path) as one:
            await one.ask(PREDICT, headers={"X-Request-Id": "r1"})
            await one.gate.close()
            (line,) = one.lines()

        assert line.pop("time").endswith("+00:00")
        assert line.pop("ms") > 0
        assert line == {
            "level": "info",
            "request_id": "r1",
            "endpoint": "predictions",
            "model": "bolt",
            "version": "1.0",
            "status": 200,
            "anomaly": VERDICT["Anomaly"],
            "score": VERDICT["score"],
            "p_value": VERDICT["p_value"],
            "bytes": 7,
            "decode_ms": 12.5,
            "score_ms": 20.1,
        }

    @run
    async def test_errors(self, tmp_path):
        """A refused picture is a warning with its code, a fault an error; of a fault the log knows the cause."""
        async with house(tmp_path) as one:
            one.torchserve.script = [
                says(400, {"error": {"code": "broken_picture", "message": "secret"}}),
                complains(503, "InternalServerException", "Prediction failed"),
                complains(500, "Strange", "the client's own bytes"),
            ]
            for _ in range(3):
                await one.ask(PREDICT)
            await one.gate.close()
            text = one.settings.log_file.read_text()
            lines = one.lines()

        assert [(line["level"], line["status"], line["code"]) for line in lines] == [
            ("warning", 400, "broken_picture"),
            ("error", 500, "internal_error"),
            ("error", 500, "internal_error"),
        ]
        assert "TorchServe answered 503 InternalServerException Prediction failed" in text
        assert "bytes" in lines[0]
        assert "own bytes" not in text

    @run
    async def test_bug(self, tmp_path, monkeypatch):
        """A fault of the gate's own is answered as one; the log says what it was, the client is not told."""

        async def fail(*_):
            raise RuntimeError("the cause")

        monkeypatch.setattr("gate.forward.Forwarder.ask", fail)
        async with house(tmp_path) as one:
            status, said, _ = await one.ask(PREDICT)
            await one.gate.close()
            text = one.settings.log_file.read_text()

        assert (status, said["error"]["code"]) == (500, "internal_error")
        assert ("the cause" in json.dumps(said), "RuntimeError('the cause')" in text) == (False, True)

    @run
    async def test_level(self, tmp_path):
        """The level says which lines are written."""
        async with house(tmp_path, log_level="error") as one:
            one.torchserve.script = [
                says(400, {"error": {"code": "broken_picture", "message": "x"}}),
                GOOD,
                WORKER_DIED,
                WORKER_DIED,
            ]
            for _ in range(3):
                await one.ask(PREDICT)
            await one.gate.close()
            lines = one.lines()

        assert [line["code"] for line in lines] == ["unavailable"]

    @run
    async def test_console(self, tmp_path, capsys):
        """In the foreground the lines stand on standard output too."""
        async with house(tmp_path, console=True) as one:
            await one.ask(PREDICT, headers={"X-Request-Id": "r1"})
            await one.gate.close()

        assert "r1" in [json.loads(line).get("request_id") for line in capsys.readouterr().out.splitlines()]

    @pytest.mark.parametrize("where", ["/dev/full", "/proc/nowhere/requests.log"])
    @run
    async def test_full_disk(self, tmp_path, where):
        """A log that can't be written is counted and costs no request its answer."""
        async with house(tmp_path, log_file=type(tmp_path)(where)) as one:
            answers = [(await one.ask(PREDICT))[0] for _ in range(3)]
            await until(lambda: has_lost_lines(one))

        assert answers == [200] * 3

    def test_hanging_disk(self, tmp_path):
        """A disk that hangs holds back nobody; what it could not take is counted."""
        lost, free = [], threading.Event()
        log = Log(tmp_path / "a.log", "info", console=False, lost=lambda: lost.append(1))
        log._handlers[0].emit = lambda record: free.wait()
        log.start()

        for _ in range(10_010):
            log.event("info", "x")

        assert 5 <= len(lost) <= 10
        free.set()
        log.stop()

    def test_rotation(self, tmp_path):
        """Old lines move to numbered files: the log does not fill the disk."""
        log = Log(tmp_path / "a.log", "info", console=False, lost=lambda: None)
        log._handlers[0].maxBytes = 200
        log.start()

        for number in range(50):
            log.event("info", "x", number=number)
        log.stop()

        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", *(f"a.log.{n}" for n in range(1, 6))]

    @pytest.mark.parametrize("body", [b"", b"nonsense", b"[1]", b'{"error": 7}', b"\xff\xfe"])
    def test_odd_answers(self, body):
        """An answer that is no verdict leaves the line without one."""
        record = Record("r1", "predictions")

        record.note(Answer(200, body, server_timing="nonsense;dur=x, decode;dur=1.5"))

        assert (record.status, record.code, record.verdict, record.times) == (200, None, {}, {"decode_ms": 1.5})


@run
async def test_settings_are_enough(tmp_path):
    """A gate that is made but never opened can be closed."""
    gate = Gate(GateSettings(("127.0.0.1", 1), ("127.0.0.1", 2), ("127.0.0.1", 3), None, tmp_path / "x.log"))

    await gate.close()


async def shows_two(one):
    """Whether the gate has seen both versions."""
    return ("snag_workers_ready", (("model_name", "bolt"), ("model_version", "2.0"))) in await scrape(one)


async def has_lost_lines(one):
    """Whether lines are missing, and counted."""
    return (await scrape(one))["snag_log_errors_total", ()] >= 3
