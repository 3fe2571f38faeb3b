"""Where the client looks for its server: addresses as people write them."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from snag.client.__main__ import PredictSettings
from snag.client.client import SnagClient
from snag.core.errors import BadConfig
from snag.core.verdict import Verdict
from snag.core.wire import verdict_json
from tests.support.ipv6 import has_ipv6

GOOD = Verdict(False, 0.25, 0.5, 0.75, 0.125)


class AtIPv6(HTTPServer):
    """A server at ::1."""

    address_family = socket.AF_INET6


class Judging(BaseHTTPRequestHandler):
    """Finds every picture good."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(verdict_json(GOOD, "bolt", self.headers["Host"])).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@has_ipv6
@pytest.mark.parametrize("host", ["::1", "[::1]", "0:0:0:0:0:0:0:1", "::1%lo", "[::1%25lo]"])
def test_ipv6(host):
    """A server at an IPv6 address is asked there, with or without brackets, with or without a zone."""
    with AtIPv6(("::1", 0), Judging) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        client = SnagClient(
            "bolt", server.server_port, host=PredictSettings(images=".", model="bolt", host=host).host, timeout=5
        )

        assert client.predict(b"picture") == GOOD

        client.close()
        thread.join()


@pytest.mark.parametrize("host", ["http://a", "a:8080", "[::1]:8080", ""])
def test_no_host(host):
    """What is no host is refused before anything is sent."""
    with pytest.raises(BadConfig, match="expected a host's name or address alone, such as"):
        SnagClient("bolt", host=host)
