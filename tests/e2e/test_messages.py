"""A real TorchServe says what the gate and the server room listen for."""

import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from snag.gate.upstream import messages
from snag.gate.upstream.address import key_header
from snag.server.state.instance import Instance
from snag.server.state.ports import free_ports
from snag.server.torchserve import process
from snag.server.torchserve.management import Management
from snag.server.torchserve.process import find_upstream
from tests.e2e.conftest import ROOT, Place, pack, within

pytestmark = pytest.mark.e2e


@pytest.fixture
def place(tmp_path):
    """A server of one worker that takes one picture at a time."""
    place = Place.at(tmp_path)
    pack(tmp_path, "bolt", batchSize=1, jobQueueSize=2)
    assert place.serve("--model", "bolt") == 0
    yield place
    assert place.stop() == 0


def complaint(answer):
    """Status, type and message of an error in TorchServe's own shape."""
    return answer.status_code, answer.json()["type"], answer.json()["message"]


def test_answers(place):
    """Asked behind the gate's back, it answers each kind of trouble with the type and the words that the gate knows."""
    upstream = find_upstream(place.instance)
    keys, picture = key_header(upstream.inference_key), place.picture()

    def ask(path, headers=keys):
        return requests.post(f"{upstream.inference}/predictions/{path}", data=picture, headers=headers, timeout=60)

    assert [version.all_ready for version in Management(upstream).versions()] == [True]
    assert complaint(ask("nut"))[:2] == (404, messages.MODEL_UNKNOWN)
    assert complaint(ask("bolt/9"))[:2] == (404, messages.VERSION_UNKNOWN)
    assert complaint(ask("bolt", headers={}))[:2] == (400, messages.KEY_REFUSED)

    worker = next(one for one in place.family() if "model_service_worker" in " ".join(one.cmdline()))
    worker.send_signal(signal.SIGSTOP)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, "bolt") for _ in range(8)]
        assert within(20, lambda: sum(one.done() for one in asked) >= 5)  # one is under way, two are queued
        refused = [complaint(one.result())[:2] for one in asked if one.done()]
        worker.kill()
        answers = [one.result() for one in asked]

    assert set(refused) == {(503, messages.NO_WORKER)}
    lost = [answer for answer in answers if answer.status_code in (500, 507)]
    assert [complaint(answer)[1] for answer in lost] == [messages.SERVER_FAULT]
    assert complaint(lost[0])[2].startswith(messages.WORKER_DIED)


def test_port_taken(tmp_path, monkeypatch):
    """A port that somebody took a moment before is named in its log, and so the server starts once more with another."""
    instance = Instance(tmp_path)
    instance.configuration.write_text((ROOT / "config.properties").read_text())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(process, "free_ports", lambda count: [port, *free_ports(count - 1)])

        torchserve = process.start(instance, is_console=False)
        try:
            assert within(60, lambda: not torchserve.is_running())
            time.sleep(0.2)  # the last lines
            assert torchserve.log.reason() == f"{messages.PORT_TAKEN}: http://127.0.0.1:{port}"
        finally:
            torchserve.end()
