"""The address of the program before: POST /infer through a real nginx, and the gate's short answer behind it."""

import asyncio
import base64
import json

import pytest
import requests

from snag.gate.proxy.answer import VERDICT_ALONE, GateAnswer, verdict_alone
from tests.support.nginx import needs_nginx, nginx
from tests.support.torchserve import VERDICT, house, run, says

#: What the clients of the program before send: bare grey bytes as base64 in JSON.
PICTURE = bytes(range(256)) * 4096
BODY = {"image": base64.b64encode(PICTURE).decode()}


async def post(url, **content):
    return await asyncio.to_thread(requests.post, url, timeout=20, **content)


class TestVerdictAlone:
    @pytest.mark.parametrize(("anomaly", "body"), [(True, b'{"Anomaly": true}'), (False, b'{"Anomaly": false}')])
    @run
    async def test_one_word(self, tmp_path, anomaly, body):
        """Whoever asks for it gets the verdict's one word; the log has the whole verdict all the same."""
        async with house(tmp_path) as one:
            one.torchserve.script = [says(200, {**VERDICT, "Anomaly": anomaly})]
            async with one.client.post(
                one.url("/predictions/bolt"), data=b"x", headers={"Accept": f"text/html, {VERDICT_ALONE}"}
            ) as answer:
                found = await answer.read()

        assert found == body
        assert (one.lines()[0]["anomaly"], one.lines()[0]["score"]) == (anomaly, VERDICT["score"])

    @run
    async def test_others_get_everything(self, tmp_path):
        async with house(tmp_path) as one:
            _, said, _ = await one.ask("/predictions/bolt", headers={"Accept": "application/json"})

        assert said == VERDICT

    @pytest.mark.parametrize("answer", [GateAnswer(503, b'{"error": {}}'), GateAnswer(200, b"\x89PNG", "image/png")])
    def test_what_is_no_verdict_stays(self, answer):
        """Errors and overlays are passed on as they are."""
        assert verdict_alone(answer) is answer


@needs_nginx
class TestInfer:
    @pytest.mark.parametrize("anomaly", [True, False])
    @run
    async def test_exactly_the_old_answer(self, tmp_path, anomaly):
        """The old body is answered with the old object and nothing else; the server gets it byte for byte."""
        async with house(tmp_path) as one:
            one.torchserve.script = [says(200, {**VERDICT, "Anomaly": anomaly})]
            with nginx(tmp_path / "nginx", "bolt", one.settings.inference[1]) as address:
                answer = await post(f"{address}/infer", json=BODY)

        assert (answer.status_code, answer.json()) == (200, {"Anomaly": anomaly})
        path, _, body = one.torchserve.asked[0]
        assert (path, json.loads(body)) == ("/predictions/bolt", BODY)

    @pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", None])
    @run
    async def test_whatever_the_content_type(self, tmp_path, content_type):
        """The program before looked at no content type, so its clients may send any, or none."""
        headers = {} if content_type is None else {"Content-Type": content_type}
        async with house(tmp_path) as one:
            with nginx(tmp_path / "nginx", "bolt", one.settings.inference[1]) as address:
                answer = await post(f"{address}/infer", data=json.dumps(BODY).encode(), headers=headers)

        assert answer.json() == {"Anomaly": True}
        assert json.loads(one.torchserve.asked[0][2]) == BODY

    @run
    async def test_the_door_is_narrow(self, tmp_path):
        """Of the server behind nothing is to be had but /infer and its health."""
        async with house(tmp_path) as one:
            with nginx(tmp_path / "nginx", "bolt", one.settings.inference[1]) as address:
                statuses = {
                    path: (await asyncio.to_thread(requests.get, address + path, timeout=20)).status_code
                    for path in ("/predictions/bolt", "/models", "/infer", "/infer/", "/health", "/")
                }

        assert statuses == {"/predictions/bolt": 404, "/models": 404, "/infer": 405, "/infer/": 404, "/health": 200, "/": 404}

    @run
    async def test_a_server_that_is_away(self, tmp_path):
        """Without a server behind, the answer is an error of nginx and comes at once."""
        async with house(tmp_path) as one:
            port = one.settings.inference[1]
        with nginx(tmp_path / "nginx", "bolt", port) as address:
            answer = await post(f"{address}/infer", json=BODY)

        assert answer.status_code == 502
