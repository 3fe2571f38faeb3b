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


_IS_THERE = _can_listen()
#: Marks a test that listens at ::1.
has_ipv6 = pytest.mark.skipif(not _IS_THERE, reason="this machine has no IPv6")
#: The loopback address that is written less often, where there is one.
LOOPBACK = "::1" if _IS_THERE else "127.0.0.1"
