"""Ports: whether they are free, and some that are."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from contextlib import ExitStack

from snag.cli.hosts import listened_at
from snag.core.errors import BadConfig, ServerFailed


def check_free(ports: Mapping[str, tuple[str, int]]) -> None:
    """Each of {flag: (host, port)} must be free and different from the others.

    Raises BadConfig for an address that is none of this machine's, ServerFailed for a port that can't be had.
    """
    numbers = [port for _, port in ports.values()]
    for flag, (host, port) in ports.items():
        if numbers.count(port) > 1:
            raise BadConfig(detail=f"port {port} is given to more than one of {', '.join(ports)}; expected different ports")
        try:
            _bind(host, port)
        except (socket.gaierror, UnicodeError) as error:
            detail = f"{host!r} leads nowhere ({error}); expected an address of this machine with {_host_flag(flag)}"
            raise BadConfig(detail=detail) from error
        except OSError as error:
            raise _refusal(flag, host, port, error) from error


def _refusal(flag: str, host: str, port: int, error: OSError) -> BadConfig | ServerFailed:
    if error.errno == errno.EADDRINUSE:
        return ServerFailed(detail=f"port {port} is in use by another program; choose another with {flag}")
    if error.errno == errno.EACCES:
        return ServerFailed(detail=f"port {port} is not for this user to open; choose one above 1023 with {flag}")
    reason = "it is no address of this machine" if error.errno == errno.EADDRNOTAVAIL else error.strerror
    return BadConfig(detail=f"{host} can't be listened on ({reason}); choose another with {_host_flag(flag)}")


def _host_flag(flag: str) -> str:
    return flag.removesuffix("port") + "host"


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    try:
        _bind(host, port)
    except OSError:
        return False
    return True


def _bind(host: str, port: int) -> None:
    """Take every address that the server would listen on, and let go of it. Raises OSError, of which gaierror is one."""
    for address in listened_at(host):
        for family, kind, protocol, _, place in socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server: closed connections do not count
                if family == socket.AF_INET6:  # as the server: IPv4 has a socket of its own
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(place)


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
