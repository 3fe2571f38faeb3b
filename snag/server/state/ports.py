"""Ports: whether they are free, and some that are."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import ExitStack

from snag.core.errors import BadConfig, ServerFailed


def check_free(ports: Mapping[str, tuple[str, int]]) -> None:
    """Each of {flag: (host, port)} must be free and different from the others.

    Raises BadConfig or ServerFailed naming the port.
    """
    numbers = [port for _, port in ports.values()]
    for flag, (host, port) in ports.items():
        if numbers.count(port) > 1:
            raise BadConfig(detail=f"port {port} is given to more than one of {', '.join(ports)}; expected different ports")
        if not is_free(host, port):
            raise ServerFailed(detail=f"port {port} is in use by another program; choose another with {flag}")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: closed connections do not count
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on, and that nobody else is given for a minute.

    Each has just had a connection, which leaves it in TIME_WAIT: the kernel gives it to nobody who asks for any port, while
    a server that asks for this one, with SO_REUSEADDR as all of ours do, gets it.
    """
    with ExitStack() as stack:
        listening = [stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1)) for _ in range(count)]
        for one in listening:
            with socket.create_connection(one.getsockname()), one.accept()[0]:
                pass  # our end closes first, so that it is the one that waits
        return [one.getsockname()[1] for one in listening]
