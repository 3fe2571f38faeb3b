"""The gate in front of the real TorchServe: its traps, and its deaths under load."""

import base64
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from snag.server.state.instance import Instance
from tests.e2e.conftest import Place, pack, within

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A server with one worker and room for two waiting requests, which the tests of this file ill-treat."""
    place = Place.at(tmp_path_factory.mktemp("gate"))
    pack(place.root, "bolt", batchSize=1, jobQueueSize=2)
    try:
        assert place.serve("--model", "bolt") == 0
        yield place
    finally:
        assert place.stop() == 0


class Load:
    """Clients that send one picture after the other while the `with` block lasts; `answers` counts status and code."""

    def __init__(self, place, clients):
        self.answers = Counter()
        self._place, self._picture, self._over = place, place.picture(), threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        assert within(20, lambda: self.answers)
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _send(self):
        with requests.Session() as session:
            while not self._over.is_set():
                try:
                    answer = session.post(self._place.url("/predictions/bolt"), data=self._picture, timeout=90)
                except requests.ConnectionError as error:
                    self.answers["refused" if "refused" in str(error) else "lost", ""] += 1
                    self._over.wait(0.05)
                    continue
                said = answer.json()
                self.answers[answer.status_code, said["score"] if answer.ok else said["error"]["code"]] += 1


def is_ready(place):
    return requests.get(place.url("/health/ready"), timeout=10).status_code == 200


def score(place):
    return requests.post(place.url("/predictions/bolt"), data=place.picture(), timeout=90).json()["score"]


def test_traps(live_server):
    """What TorchServe answers in its own way, or not at all, comes as Snag's own errors or works as it is meant."""
    picture = Instance(live_server.folder).golden.read_bytes()
    form = b'--x\r\nContent-Disposition: form-data; name="image"\r\nContent-Type: image/png; charset=none\r\n\r\ny\r\n--x--'
    asked = {
        "curl's own type": ("tiny-bolt", picture, "application/x-www-form-urlencoded"),
        "text": ("tiny-bolt", picture, "text/plain; charset=utf-8"),
        "no type": ("tiny-bolt", picture, ""),
        "JSON in capitals": ("tiny-bolt", b'{"image": "?"}', "APPLICATION/JSON"),
        "a charset of its own": ("tiny-bolt", form, "multipart/form-data; boundary=x"),
        "no boundary": ("tiny-bolt", form, "multipart/form-data; boundary="),
        "no such model": ("bolt", picture, "image/png"),
        "no such version": ("tiny-bolt/9", picture, "image/png"),
        "nothing": ("tiny-bolt", b"", "image/png"),
    }

    answers = {}
    for name, (model, data, kind) in asked.items():
        with requests.post(
            f"{live_server.url}/predictions/{model}", data, headers={"Content-Type": kind}, timeout=30
        ) as answer:
            answers[name] = answer.json().get("error", {}).get("code", answer.status_code)

    assert answers == {
        "curl's own type": 200,
        "text": 200,
        "no type": 200,
        "JSON in capitals": "bad_base64",
        "a charset of its own": "unsupported_format",
        "no boundary": "bad_request",
        "no such model": "unknown_model",
        "no such version": "unknown_model",
        "nothing": "missing_picture",
    }


def test_nobody_gets_past_the_gate(live_server):
    """TorchServe's own ports take nothing from who can't read its keys."""
    note = Instance(live_server.folder).note()

    answers = [
        requests.post(f"{note.inference}/predictions/tiny-bolt", b"x", timeout=10),
        requests.post(f"{note.management}/models?url=http://127.0.0.1:1/x.mar", timeout=10),
        requests.put(f"{note.management}/models/tiny-bolt?min_worker=0", timeout=10),
    ]

    assert [(answer.status_code, answer.json()["type"]) for answer in answers] == [(400, "InvalidKeyException")] * 3


def test_log(live_server):
    """The log has a line for the request, with the verdict and the worker's times."""
    picture = Instance(live_server.folder).golden.read_bytes()
    headers = {"X-Request-Id": "for-the-log", "Content-Type": "image/png"}
    log = live_server.folder / "logs" / "requests.log"
    verdict = requests.post(f"{live_server.url}/predictions/tiny-bolt", picture, headers=headers, timeout=30).json()

    def lines():
        return [line for line in map(json.loads, log.read_text().splitlines()) if line.get("request_id") == "for-the-log"]

    assert within(5, lines)
    (line,) = lines()
    assert [line[name] for name in ("model", "version", "status", "anomaly", "score", "bytes")] == [
        "tiny-bolt",
        "1.5",
        200,
        verdict["Anomaly"],
        verdict["score"],
        len(picture),
    ]
    assert 0 < line["decode_ms"] + line["score_ms"] < line["ms"]


def test_full_queue(place):
    """A full queue is "overloaded", though TorchServe says that there is no worker; the others are judged."""

    picture, answers = place.picture(), Counter()

    def ask(_):
        answer = requests.post(place.url("/explanations/bolt"), data=picture, timeout=30)
        return answer.status_code, answer.headers.get("Retry-After")

    with ThreadPoolExecutor(40) as pool:
        for _ in range(5):  # a machine with much else to do may not send fast enough the first time
            answers.update(pool.map(ask, range(80)))
            if len(answers) > 1:
                break

    assert answers.keys() == {(200, None), (503, "1")}


def test_worker_killed(place):
    """Requests wait for the next worker when the only one is killed, or are told to come again; none is lost or wrong."""
    right = score(place)
    with Load(place, clients=2) as load:
        before = load.answers.total()
        next(one for one in place.family() if "model_service_worker" in " ".join(one.cmdline())).kill()
        assert within(5, lambda: not is_ready(place))
        assert within(60, lambda: is_ready(place) and load.answers.total() > before + 10)

    assert load.answers.keys() - {(503, "unavailable")} == {(200, right)}


def test_torchserve_killed(place):
    """When TorchServe itself is killed requests wait for the next one or are refused; none is lost, none answered wrongly."""
    right = score(place)
    with Load(place, clients=2) as load:
        place.java().kill()
        assert within(5, lambda: not is_ready(place))
        assert within(90, lambda: is_ready(place))

    assert load.answers.keys() - {(503, "unavailable"), (503, "overloaded")} == {(200, right)}


def test_stopped_under_load(place):
    """What is under way when the server is stopped is answered, what comes later is refused: no connection breaks."""
    right = score(place)
    with Load(place, clients=2) as load:
        assert place.stop() == 0
        assert within(20, lambda: load.answers["refused", ""])

    assert load.answers.keys() - {(503, "unavailable")} == {(200, right), ("refused", "")}


@pytest.mark.parametrize("binary", [True, False])
def test_several_pictures_by_the_open_inference_protocol(live_server, binary):
    """The real worker judges each picture of a request, as bytes and as base64, and its score is that of /predictions."""
    picture = Instance(live_server.folder).golden.read_bytes()
    pictures = [picture, b"no picture", picture]
    tensor = {"name": "image", "datatype": "BYTES", "shape": [3]}
    if binary:
        data = b"".join(len(one).to_bytes(4, "little") + one for one in pictures)
        head = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": len(data)}}]}).encode()
        body, headers = head + data, {"Inference-Header-Content-Length": str(len(head))}
    else:
        encoded = [base64.b64encode(one).decode() for one in pictures]
        body, headers = json.dumps({"inputs": [tensor | {"data": encoded}]}).encode(), {"Content-Type": "application/json"}

    alone = requests.post(f"{live_server.url}/predictions/tiny-bolt", picture, timeout=30).json()
    said = requests.post(f"{live_server.url}/v2/models/tiny-bolt/infer", body, headers=headers, timeout=30).json()

    outputs = {one["name"]: one["data"] for one in said["outputs"]}
    assert (said["model_version"], outputs["anomaly"][1]) == ("1.5", True)
    assert outputs["score"] == [alone["score"], 1e6, alone["score"]]
    assert [json.loads(text) for text in outputs["verdict"]][::2] == [alone, alone]
    assert json.loads(outputs["verdict"][1])["error"]["code"] == "unsupported_format"
