"""The open inference protocol: NVIDIA's client gets verdicts of several pictures, and errors in the protocol's shape."""

import asyncio
import base64
import json
import struct

import numpy as np
import pytest

from snag.core.errors import BadRequest
from snag.gate.kserve.request import MOST_PICTURES, parse_infer
from tests.support.openapi import worker
from tests.support.torchserve import GOOD, complains, house, reset, run
from tests.support.workers import png

INFER = "/v2/models/bolt/infer"
GOOD_PART, DEFECT = png(128), png(255)


def tensor(pictures, **more):
    data = [base64.b64encode(picture).decode() for picture in pictures]
    return {"name": "image", "datatype": "BYTES", "shape": [len(pictures)], "data": data, **more}


def request(*pictures, **more):
    return {"inputs": [tensor(pictures)], **more}


def outputs(answer):
    return {one["name"]: one["data"] for one in answer["outputs"]}


class TestClient:
    """Conformance, as tritonclient sees it."""

    @pytest.mark.parametrize("binary", [True, False])
    @run
    async def test_infer(self, tmp_path, binary):
        """Several pictures, as binary tensors or as JSON with base64: each its own verdict, in order, and one that is none."""
        http = pytest.importorskip("tritonclient.http", reason="needs tritonclient[http]")
        pictures = [GOOD_PART, b"no picture", DEFECT]

        def ask(port):
            with http.InferenceServerClient(f"127.0.0.1:{port}") as client:
                image = http.InferInput("image", [3], "BYTES")
                sent = pictures if binary else [base64.b64encode(one) for one in pictures]
                image.set_data_from_numpy(np.array([bytes(one) for one in sent], dtype=object), binary_data=binary)
                wanted = [http.InferRequestedOutput(name, binary_data=binary) for name in ("anomaly", "score", "verdict")]
                told = client.infer("bolt", [image], outputs=wanted, request_id="part-7", parameters={"group": "camera-1"})
                return told.get_response(), {one.name(): told.as_numpy(one.name()) for one in wanted}

        async with house(tmp_path) as one:
            one.torchserve.script = [worker(tmp_path)] * 3
            response, found = await asyncio.to_thread(ask, one.settings.inference[1])

        verdicts = [json.loads(text) for text in found["verdict"]]
        assert (response["model_name"], response["model_version"], response["id"]) == ("bolt", "1.0", "part-7")
        assert found["anomaly"].tolist() == [False, True, True]
        assert found["anomaly"].dtype == bool
        assert (verdicts[0]["group"], verdicts[1]["error"]["code"]) == ("camera-1", "unsupported_format")
        assert found["score"].tolist() == [verdicts[0]["score"], 1e6, verdicts[2]["score"]]

    @run
    async def test_health_and_description(self, tmp_path):
        """The client finds server and model alive, ready and described, and an unknown model not."""
        http = pytest.importorskip("tritonclient.http", reason="needs tritonclient[http]")

        def ask(port):
            with http.InferenceServerClient(f"127.0.0.1:{port}") as client:
                ready = [
                    client.is_server_live(),
                    client.is_server_ready(),
                    client.is_model_ready("bolt"),
                    client.is_model_ready("bolt", "1.0"),
                ]
                missing = [client.is_model_ready("nut"), client.is_model_ready("bolt", "2.0")]
                return ready, missing, client.get_server_metadata(), client.get_model_metadata("bolt")

        async with house(tmp_path) as one:
            ready, missing, server, model = await asyncio.to_thread(ask, one.settings.inference[1])

        assert (ready, missing) == ([True] * 4, [False] * 2)
        assert (server["name"], server["extensions"]) == ("snag", ["binary_tensor_data"])
        assert (model["name"], model["versions"], model["inputs"]) == (
            "bolt",
            ["1.0"],
            [{"name": "image", "datatype": "BYTES", "shape": [-1]}],
        )

    @run
    async def test_error(self, tmp_path):
        """A refusal reaches the client's user as a sentence with its status."""
        http = pytest.importorskip("tritonclient.http", reason="needs tritonclient[http]")
        from tritonclient.utils import InferenceServerException

        def ask(port):
            with http.InferenceServerClient(f"127.0.0.1:{port}") as client:
                image = http.InferInput("picture", [1], "BYTES")
                image.set_data_from_numpy(np.array([bytes(DEFECT)], dtype=object))
                with pytest.raises(InferenceServerException) as found:
                    client.infer("bolt", [image])
                return found.value

        async with house(tmp_path) as one:
            error = await asyncio.to_thread(ask, one.settings.inference[1])

        assert error.status() == "400"
        assert "expected 'image' of BYTES" in error.message()


class TestAnswers:
    @run
    async def test_each_picture_has_its_line_and_is_counted(self, tmp_path):
        """Log and metrics tell pictures, not requests; a lost worker costs its own picture a second try alone."""
        async with house(tmp_path) as one:
            one.torchserve.script = [reset, GOOD, GOOD]
            status, said, _ = await one.ask(INFER, json=request(DEFECT, DEFECT), data=None, headers={"X-Request-Id": "lot-1"})
            counted = await one.scrape()

        assert (status, outputs(said)["anomaly"]) == (200, [True, True])
        assert sorted(line["request_id"] for line in one.lines()) == ["lot-1/0", "lot-1/1"]
        labels = (("endpoint", "predictions"), ("model_name", "bolt"), ("status", "200"))
        assert counted["snag_http_requests_total", labels] == 2

    @run
    async def test_none_judged(self, tmp_path):
        """Where no picture could be judged the request is answered with the error, in the protocol's shape."""
        async with house(tmp_path) as one:
            one.torchserve.script = [complains(404, "ModelNotFoundException", "Model not found: bolt")]
            status, said, _ = await one.ask(INFER, json=request(DEFECT), data=None)

        assert (status, said["code"]) == (404, "unknown_model")
        assert isinstance(said["error"], str)

    @run
    async def test_token(self, tmp_path):
        """A verdict needs a token here as well; health and descriptions need none."""
        from snag.gate.tokens import Token, digest, write_tokens

        tokens = tmp_path / "tokens.json"
        write_tokens(tokens, (Token("line", digest("snag_1"), "2026-01-01T00:00:00+00:00"),))
        async with house(tmp_path, tokens=tokens) as one:
            refused, said, _ = await one.ask(INFER, json=request(DEFECT), data=None)
            taken, _, _ = await one.ask(INFER, json=request(DEFECT), data=None, headers={"Authorization": "Bearer snag_1"})
            told = [(await one.ask(path, "GET", None))[0] for path in ("/v2", "/v2/health/ready", "/v2/models/bolt")]

        assert (refused, said["code"], taken, told) == (401, "unauthorised", 200, [200, 200, 200])

    @run
    async def test_not_ready(self, tmp_path):
        """A server without TorchServe is alive and not ready."""
        async with house(tmp_path, connected=False, grace_seconds=0) as one:
            told = [(await one.ask(f"/v2/health/{name}", "GET", None))[:2] for name in ("live", "ready")]

        assert told == [(200, {"live": True}), (503, {"ready": False})]

    @run
    async def test_method(self, tmp_path):
        async with house(tmp_path) as one:
            status, said, headers = await one.ask(INFER, "PUT", json=request(DEFECT), data=None)

        assert (status, said["code"], headers["Allow"]) == (405, "method_not_allowed", "POST")


class TestRequests:
    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            ([], "no object"),
            ({}, "expected one input"),
            ({"inputs": [tensor([DEFECT]), tensor([DEFECT])]}, "expected one input"),
            ({"inputs": [tensor([DEFECT], datatype="UINT8")]}, "expected 'image' of BYTES"),
            ({"inputs": [tensor([DEFECT], shape=[2])]}, "expected a shape of as many"),
            ({"inputs": [tensor([DEFECT], shape=["1"])]}, "expected a shape of as many"),
            ({"inputs": [tensor([DEFECT], shape=[1] * 9)]}, "expected a shape of as many"),
            ({"inputs": [tensor([DEFECT], shape=[-1, -1])]}, "expected a shape of as many"),
            ({"inputs": [tensor([DEFECT], shape=[10**4000] * 200)]}, "expected a shape of as many"),
            ({"inputs": [tensor([DEFECT], data=[1])]}, "expected base64 of each picture"),
            ({"inputs": [tensor([DEFECT], data=None)]}, "expected base64 of each picture"),
            ({"inputs": [tensor([])]}, f"expected 1 to {MOST_PICTURES}"),
            ({"inputs": [tensor([b"a"] * 65)]}, f"expected 1 to {MOST_PICTURES}"),
            (request(DEFECT, outputs=[{"name": "odd"}]), "expected some of verdict, anomaly"),
            (request(DEFECT, outputs=[{"name": []}]), "expected some of verdict, anomaly"),
            (request(DEFECT, outputs=[{"name": "score"}] * 2), "one twice"),
            (request(DEFECT, outputs=7), "expected some of verdict, anomaly"),
            (request(DEFECT, parameters=[]), "'parameters' is no object"),
            (request(DEFECT, parameters={"odd": 1}), "unknown option 'odd'"),
            (request(DEFECT, id=7), "'id' is no string"),
            ({"inputs": [tensor([DEFECT], parameters={"binary_data_size": 9})]}, "behind the JSON are 0 bytes"),
        ],
    )
    def test_refused(self, said, expected):
        """What is wrong with a request is said with what was expected."""
        with pytest.raises(BadRequest, match=expected.replace("[", r"\[")):
            parse_infer(json.dumps(said).encode(), None)

    @pytest.mark.parametrize(
        ("body", "length", "expected"),
        [
            (b"{", None, "no JSON"),
            (b"[" * 100_000, None, "no JSON"),
            (b"{}", "3", "no length"),
            (b"{}", "-1", "no length"),
            (b"{}", "0" * 5000, "no length"),
        ],
    )
    def test_no_request(self, body, length, expected):
        with pytest.raises(BadRequest, match=expected):
            parse_infer(body, length)

    @pytest.mark.parametrize("binary", [b"\x01", struct.pack("<I", 9) + b"short", struct.pack("<I", 2**32 - 1)])
    def test_cut_off(self, binary):
        """Lengths that lead beyond the tensor's end are refused, and nothing is set aside for them."""
        head = json.dumps(
            {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": len(binary)}}]}
        )

        with pytest.raises(BadRequest, match="cut off"):
            parse_infer(head.encode() + binary, str(len(head)))

    def test_what_a_client_may_say_besides(self):
        """Scheduling is not ours, options are a query's, and nested data is what the protocol allows."""
        said = request(DEFECT, parameters={"priority": 1, "overlay": True, "binary_data_output": True}, id="a")
        said["inputs"][0] |= {"shape": [1, 1], "data": [said["inputs"][0]["data"]]}

        found = parse_infer(json.dumps(said).encode(), None)

        assert (found.identity, found.options, len(found.pictures)) == ("a", {"overlay": True}, 1)
        assert {is_binary for _, is_binary in found.outputs} == {True}
