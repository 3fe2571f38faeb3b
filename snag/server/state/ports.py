"""Ports: whether they are free, and some that are."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from contextlib import ExitStack

from snag.cli.hosts import listened_at
from snag.core.errors import BadConfig, ServerFailed


def check_addresses(ports: Mapping[str, tuple[str, int]]) -> None:
    """Each of {flag: (host, port)} must be an address of this machine, its port different from the others.

    It may be in use. Raises BadConfig, or ServerFailed for a port that this user can't open.
    """
    numbers = [port for _, port in ports.values()]
    for flag, (host, port) in ports.items():
        if numbers.count(port) > 1:
            raise BadConfig(detail=f"port {port} is given to more than one of {', '.join(ports)}; expected different ports")
        error = _hindrance(host, port)
        if error is not None and not _is_in_use(error):
            raise _refusal(flag, host, port, error)


def check_free(ports: Mapping[str, tuple[str, int]]) -> None:
    """Nobody may listen at any of {flag: (host, port)}. Raises as `check_addresses`, and ServerFailed for a port in use."""
    for flag, (host, port) in ports.items():
        if (error := _hindrance(host, port)) is not None:
            raise _refusal(flag, host, port, error)


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    return _hindrance(host, port) is None


def _hindrance(host: str, port: int) -> Exception | None:
    """Take every address that the server would listen on, and let go of it; why that is not possible."""
    try:
        for address in listened_at(host):
            for family, kind, protocol, _, place in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM):
                with socket.socket(family, kind, protocol) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections do not count
                    if family == socket.AF_INET6:
                        probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own
                    probe.bind(place)
    except (OSError, UnicodeError) as error:
        return error
    return None


def _is_in_use(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EADDRINUSE


def _refusal(flag: str, host: str, port: int, error: Exception) -> BadConfig | ServerFailed:
    host_flag = flag.removesuffix("port") + "host"
    if _is_in_use(error):
        return ServerFailed(detail=f"port {port} is in use by another program; choose another with {flag}")
    if isinstance(error, PermissionError):
        return ServerFailed(detail=f"port {port} is not for this user to open; choose one above 1023 with {flag}")
    if isinstance(error, socket.gaierror | UnicodeError):
        return BadConfig(detail=f"the host {host!r} can't be resolved; expected an address of this machine with {host_flag}")
    is_elsewhere = isinstance(error, OSError) and error.errno == errno.EADDRNOTAVAIL
    why = "it is no address of this machine" if is_elsewhere else str(error)
    return BadConfig(detail=f"nobody can listen at {host} ({why}); choose another with {host_flag}")


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
