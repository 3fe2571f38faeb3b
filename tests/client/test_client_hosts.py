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
from tests.support.ipv6 import LINK_LOCAL, has_ipv6, has_link_local

GOOD = Verdict(False, 0.25, 0.5, 0.75, 0.125)


class AtIPv6(HTTPServer):
    """A server at an IPv6 address; it waits for one client, and not for ever."""

    address_family = socket.AF_INET6
    timeout = 5


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
@pytest.mark.parametrize("host", ["::1", "[::1]", "0:0:0:0:0:0:0:1"])
def test_ipv6(host):
    """A server at an IPv6 address is asked there, with or without brackets."""
    assert asked_at(host, ("::1", 0)) == GOOD


@has_link_local
@pytest.mark.parametrize("spelling", ["{}", "[{}]"])
def test_zone(spelling):
    """So is one whose address holds for one device alone."""
    place = socket.getaddrinfo(LINK_LOCAL, 0, type=socket.SOCK_STREAM)[0][4]

    assert asked_at(spelling.format(LINK_LOCAL), place) == GOOD


def asked_at(host, place):
    """The verdict of a server that listens at a place, by a client that is told a host."""
    with AtIPv6(place, Judging) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        settings = PredictSettings(images=".", model="bolt", host=host)
        client = SnagClient("bolt", server.server_port, host=settings.host, timeout=5)
        try:
            return client.predict(b"picture")
        finally:
            client.close()
            thread.join(timeout=5)


@pytest.mark.parametrize("host", ["http://a", "a:8080", "[::1]:8080", ""])
def test_no_host(host):
    """What is no host is refused before anything is sent."""
    with pytest.raises(BadConfig, match="expected a host's name or address alone, such as"):
        SnagClient("bolt", host=host)
