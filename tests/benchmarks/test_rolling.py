"""The proxy of the rolling update, with the repository's own configuration, in front of two servers that say who they are."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from benchmarks.rolling.proxy import Proxy

pytestmark = pytest.mark.skipif(shutil.which("haproxy") is None, reason="needs haproxy")


class Named(ThreadingHTTPServer):
    """A server that answers with its name, and is ready as long as `is_ready`."""

    def __init__(self, name: str) -> None:
        self.name, self.is_ready = name, True
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Named

    def do_GET(self) -> None:
        is_well = self.server.is_ready or self.path != "/health/ready"
        self.send_response(200 if is_well else 503)
        body = self.server.name.encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests are silent."""


@pytest.fixture
def servers() -> Iterator[tuple[Named, Named]]:
    pair = Named("a"), Named("b")
    yield pair
    for one in pair:
        one.shutdown()
        one.server_close()


def who_answers(proxy: Proxy) -> set[str]:
    return {requests.get(f"{proxy.url}/predictions/part", timeout=10).text for _ in range(8)}


def test_a_drained_server_gets_nothing_until_it_is_admitted_again(servers: tuple[Named, Named], tmp_path: Path) -> None:
    """Requests go to both, to one alone while the other is drained, and to both again."""
    with Proxy(tmp_path, (servers[0].server_port, servers[1].server_port)) as proxy:
        before = who_answers(proxy)
        proxy.drain("a")
        meanwhile = who_answers(proxy)
        proxy.admit("a")
        after = who_answers(proxy)

    assert (before, meanwhile, after) == ({"a", "b"}, {"b"}, {"a", "b"})


def test_a_server_that_is_stopped_unannounced_is_left_out(servers: tuple[Named, Named], tmp_path: Path) -> None:
    """A refused connection goes to the other server before the next look at its health."""
    with Proxy(tmp_path, (servers[0].server_port, servers[1].server_port)) as proxy:
        servers[0].shutdown()
        servers[0].server_close()

        assert who_answers(proxy) == {"b"}
