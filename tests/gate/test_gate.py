"""The gate between a client and a TorchServe that does what the test says: what is passed on, and what leads nowhere."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.gate.proxy.route import parse_route
from snag.server.gate_client import ask
from snag.server.state.ports import free_ports
from tests.support.ipv6 import LINK_LOCAL, has_ipv6, has_link_local
from tests.support.torchserve import NO_WORKER_OR_FULL, VERDICT, complains, house, run, says

PREDICT = "/predictions/bolt"


class TestForwarding:
    @run
    async def test_verdict(self, tmp_path):
        """A verdict comes back as TorchServe sent it, with the client's request id and the worker's times."""
        async with house(tmp_path) as one:
            status, said, headers = await one.ask(PREDICT, headers={"X-Request-Id": "line-3.0042"})

        assert (status, said) == (200, VERDICT)
        assert (headers["Content-Type"], headers["X-Request-Id"]) == ("application/json", "line-3.0042")
        assert headers["Server-Timing"] == "decode;dur=12.5, score;dur=20.1"

    @run
    async def test_what_is_passed_on(self, tmp_path):
        """Path, type, id and body go on, and TorchServe's key; nothing else that the client sent does."""
        sent = {
            "Content-Type": "image/png",
            "X-Request-Id": "a1",
            "Authorization": "Bearer mine",
            "explain": "True",
            "url_path": "x",
            "x-snag-probe": "1",
            "Cookie": "a=b",
            "X-Forwarded-For": "10.0.0.1",
        }
        async with house(tmp_path) as one:
            await one.ask("/explanations/bolt/1.0", headers=sent, data=b"\x89PNG")
            path, headers, body = one.torchserve.asked[0]

        assert (path, body) == ("/explanations/bolt/1.0", b"\x89PNG")
        assert headers == {
            "host": f"127.0.0.1:{one.torchserve.port}",
            "content-type": "image/png",
            "x-request-id": "a1",
            "authorization": "Bearer inference-key",
            "content-length": "4",
        }

    @pytest.mark.parametrize("size", [0, 1, 300_000, 3_000_000])
    @pytest.mark.parametrize("chunked", [False, True])
    @run
    async def test_bodies(self, tmp_path, size, chunked):
        """Bodies of every size arrive byte for byte, announced or in chunks."""
        picture = bytes(range(256)) * (size // 256) + bytes(size % 256)

        async def pieces():
            for start in range(0, size, 100_000):
                yield picture[start : start + 100_000]

        async with house(tmp_path) as one:
            status, _, _ = await one.ask(PREDICT, data=pieces() if chunked else picture)

            assert (200, picture) == (status, one.torchserve.asked[0][2])

    @run
    async def test_handlers_errors(self, tmp_path):
        """What the handler says of a picture is passed on untouched."""
        async with house(tmp_path) as one:
            one.torchserve.script = [says(415, {"error": {"code": "unsupported_format", "message": "no picture"}})]

            status, said, _ = await one.ask(PREDICT)

        assert (status, said) == (415, {"error": {"code": "unsupported_format", "message": "no picture"}})

    @pytest.mark.parametrize(
        ("reply", "expected"),
        [
            (complains(404, "ModelNotFoundException", "Model not found: bolt"), (404, "unknown_model")),
            (complains(404, "ModelVersionNotFoundException", "Model version: 9"), (404, "unknown_model")),
            (says(413, body=b""), (413, "request_too_large")),
            (NO_WORKER_OR_FULL, (503, "overloaded")),
            (complains(503, "InternalServerException", "Prediction failed"), (500, "internal_error")),
            (complains(500, "ErrorDataDecoderException", "Bad string: picture"), (500, "internal_error")),
            (complains(400, "InvalidKeyException", "Token Authorization failed."), (503, "unavailable")),
            (says(502, body=b"<html>"), (500, "internal_error")),
            (says(400, [1]), (500, "internal_error")),
        ],
    )
    @run
    async def test_torchserves_errors(self, tmp_path, reply, expected):
        """TorchServe's own errors become Snag's."""
        async with house(tmp_path) as one:
            one.torchserve.script = [reply]

            assert await one.code() == expected


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/predictions",
            "/predictions/",
            "/predictions/bolt/",
            "/predictions/bolt/1.0/x",
            "/predictions/../models",
            "/predictions/.bolt",
            "/predictions/bolt%2f..",
            "/predictions/b%6flt",
            "/predictions//bolt",
            "//[",
            "http://a/predictions/bolt",
            "/predictions/" + "b" * 129,
            "/invocations?model_name=bolt",
            "/bolt/predict",
            "/models",
            "/metrics",
            "/api-description",
        ],
    )
    @run
    async def test_nowhere(self, tmp_path, path):
        """Odd paths and TorchServe's other ways in lead nowhere, and TorchServe is not asked."""
        async with house(tmp_path) as one:
            said = await one.talk(
                f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx".encode()
            )

            assert said.startswith(b"HTTP/1.1 404 ")
            assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]["code"] == "not_found"
            assert one.torchserve.asked == []

    @given(st.text(max_size=60))
    def test_any_path(self, path):
        """Nothing but a plain name ever gets into TorchServe's path."""
        route = parse_route(path)

        assert route is None or route.path == path
        assert parse_route(f"/predictions/{path}") is None or set(path) <= set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/"
        )

    @pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "PATCH"])
    @run
    async def test_methods(self, tmp_path, method):
        """POST and PUT ask for a verdict, nothing else does."""
        async with house(tmp_path) as one:
            async with one.client.request(method, one.url(PREDICT)) as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "POST, PUT")

            assert one.torchserve.asked == []

    @has_ipv6
    @pytest.mark.parametrize(("host", "asked"), [("::1", ("[::1]",)), ("::", ("[::1]", "127.0.0.1"))])
    @run
    async def test_ipv6(self, tmp_path, host, asked):
        """A gate listens at an IPv6 address too, and where it is to listen everywhere both families reach it."""
        port = free_ports(1)[0]
        async with house(tmp_path, inference=(host, port), connected=False) as one:
            one.gate.connect(one.torchserve.upstream)
            for address in asked:
                async with one.client.post(f"http://{address}:{port}{PREDICT}", data=b"picture") as answer:
                    assert (answer.status, await answer.json()) == (200, VERDICT)

    @has_link_local
    @run
    async def test_zone(self, tmp_path):
        """It listens at an address of one device, and a command of ours asks it there."""
        port = free_ports(1)[0]
        async with house(tmp_path, inference=(LINK_LOCAL, port), connected=False):
            said = await asyncio.to_thread(ask, LINK_LOCAL, port, "/health/live", 5)

        assert said == {"status": "alive"}

    @run
    async def test_put(self, tmp_path):
        """A picture that is put, as by `curl -T`, is judged as one that is posted; a method in a header is none."""
        async with house(tmp_path) as one:
            put = await one.ask(PREDICT, "PUT", headers={"X-HTTP-Method-Override": "DELETE"})

            assert put[:2] == (200, VERDICT)
            assert one.torchserve.asked[0][2] == b"picture"

    @pytest.mark.parametrize("given_id", ["", "a" * 129, "with space", "ü"])
    @run
    async def test_request_ids(self, tmp_path, given_id):
        """A request id that does not belong in a log is replaced."""
        async with house(tmp_path) as one:
            _, _, headers = await one.ask(PREDICT, headers={"X-Request-Id": given_id})

            assert len(headers["X-Request-Id"]) == 32
            assert one.torchserve.asked[0][1]["x-request-id"] == headers["X-Request-Id"]
