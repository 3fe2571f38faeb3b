"""Whether this machine has IPv6, by its own loopback."""

from __future__ import annotations

import socket

import pytest


def _can_listen() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


#: Marks a test that listens at ::1.
has_ipv6 = pytest.mark.skipif(not _can_listen(), reason="this machine has no IPv6")
