"""Whether this machine has IPv6, by its own loopback."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import pytest


def _can_listen() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def _link_local() -> str | None:
    """An address of this machine that holds for one of its devices alone."""
    try:
        rows = [line.split() for line in Path("/proc/net/if_inet6").read_text().splitlines()]
    except OSError:
        return None
    found = (f"{ipaddress.IPv6Address(int(digits, 16))}%{device}" for digits, *_, device in rows if digits.startswith("fe80"))
    return next(found, None)


_IS_THERE = _can_listen()
#: Marks a test that listens at ::1.
has_ipv6 = pytest.mark.skipif(not _IS_THERE, reason="this machine has no IPv6")
#: The loopback address that is written less often, where there is one.
LOOPBACK = "::1" if _IS_THERE else "127.0.0.1"
#: An address with its zone, fe80::1%eth0; None where there is none.
LINK_LOCAL = _link_local()
has_link_local = pytest.mark.skipif(LINK_LOCAL is None, reason="this machine has no link-local address of IPv6")
