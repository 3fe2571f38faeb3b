"""The gate's log of requests: what a line says, and a disk that is full or hangs costs no request its answer."""

import json
import threading

import pytest

from snag.gate.log import RequestLog
from snag.gate.proxy.answer import GateAnswer
from snag.gate.proxy.record import Record
from tests.support.torchserve import GOOD, VERDICT, WORKER_DIED, complains, house, run, says, until

PREDICT = "/predictions/bolt"


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

        monkeypatch.setattr("snag.gate.proxy.forward.Forwarder.ask", fail)
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
        log = RequestLog(tmp_path / "a.log", "info", console=False, lost=lambda: lost.append(1))
        log._handlers[0].emit = lambda record: free.wait()
        log.start()

        for _ in range(10_010):
            log.event("info", "x")

        assert 5 <= len(lost) <= 10
        free.set()
        log.stop()

    def test_stop_on_a_hanging_disk(self, tmp_path, monkeypatch):
        """A disk that hangs does not keep the server from stopping either, not even with every place in the queue taken."""
        monkeypatch.setattr("snag.gate.log._PATIENCE", 0.1)
        free = threading.Event()
        log = RequestLog(tmp_path / "a.log", "info", console=False, lost=lambda: None)
        log._handlers[0].emit = lambda record: free.wait()
        log.start()
        for _ in range(10_010):
            log.event("info", "x")

        stopping = threading.Thread(target=log.stop, daemon=True)
        stopping.start()
        stopping.join(5)
        stopped = not stopping.is_alive()
        free.set()

        assert stopped

    def test_rotation(self, tmp_path):
        """Old lines move to numbered files: the log does not fill the disk."""
        log = RequestLog(tmp_path / "a.log", "info", console=False, lost=lambda: None)
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

        record.note(GateAnswer(200, body, server_timing="nonsense;dur=x, decode;dur=1.5"))

        assert (record.status, record.code, record.verdict, record.times) == (200, None, {}, {"decode_ms": 1.5})


async def has_lost_lines(one):
    """Whether lines are missing, and counted."""
    return (await one.scrape())["snag_log_errors_total", ()] >= 3
