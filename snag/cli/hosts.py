"""Hosts: how the address of a server is written, by hand and in a URL."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final

from pydantic import AfterValidator

_NAME: Final = re.compile(r"(?!\d+$)[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_.])?", re.ASCII)
#: Addresses of a server that listens on every address, and where to ask it from here.
_EVERY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared with, never bound to  # nosec B104


def host_of(text: str) -> str:
    """A name or an address as a socket takes it: IPv6 without brackets, IPv4 as such even where IPv6 wraps it.

    Raises ValueError for what is neither.
    """
    typed = text.strip()
    is_bracketed = typed.startswith("[") and typed.endswith("]")
    try:
        address = ipaddress.IPv6Address(typed[1:-1].replace("%25", "%") if is_bracketed else typed)
        return str(address.ipv4_mapped or address)
    except ValueError:
        if is_bracketed or not _NAME.fullmatch(typed.lower()):
            raise ValueError("expected a host's name or address alone, such as 192.168.1.5, ::1 or localhost") from None
    return typed.lower()


Host = Annotated[str, AfterValidator(host_of)]  #: a field of settings


def url_of(host: str, port: int) -> str:
    """http://host:port, an IPv6 address in brackets and its zone escaped (RFC 6874)."""
    address = host.replace("%", "%25")
    return f"http://[{address}]:{port}" if ":" in host else f"http://{address}:{port}"


def asked_at(host: str) -> str:
    """Where to ask a server of this machine that listens there."""
    return _EVERY.get(host, host)


def listened_at(host: str) -> tuple[str, ...]:
    """The addresses that a server on a host listens on: a system may keep IPv4 apart from ::, which means all."""
    return tuple(_EVERY) if host == "::" else (host,)


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
