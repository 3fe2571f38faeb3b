"""How the client sends: a group in any script, and nothing twice that took too long."""

import pytest
import requests

from snag.client.client import SnagClient
from snag.core.errors import ServerUnreachable
from tests.support.line import GOOD, FakeGate


class PathGate(FakeGate):
    """Keeps where it was asked, with the query."""

    def __init__(self):
        super().__init__()
        self.paths = []

    def said(self, path, headers, body):
        self.paths.append(path)
        return super().said(path, headers, body)


def test_group_that_no_header_can_carry():
    """It goes in the query, in UTF-8."""
    with PathGate() as gate:
        client = SnagClient("bolt", gate.port, timeout=5, group="早班")
        verdict = client.predict(b"good")
        client.close()

    assert (verdict, gate.groups) == (GOOD, [None])
    assert gate.paths == ["/predictions/bolt?group=%E6%97%A9%E7%8F%AD"]


@pytest.mark.parametrize("error", [requests.ConnectTimeout, requests.ReadTimeout])
def test_too_long(monkeypatch, error):
    """What took too long is not asked again, though where packets vanish the connection is what fails."""
    client, tried = SnagClient("bolt"), []

    def request(*_, **__):
        tried.append(1)
        raise error

    monkeypatch.setattr(client._session, "request", request)

    with pytest.raises(ServerUnreachable, match="it took too long"):
        client.predict(b"good")
    client.close()
    assert len(tried) == 1
