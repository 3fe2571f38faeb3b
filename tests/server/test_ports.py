"""Ports and addresses that a server asks for: whether they can be had, and what is said where they can't."""

import errno
import os
import socket

import pytest

from snag.core.errors import BadConfig, ServerFailed
from snag.server.state.ports import check_addresses, check_free, free_ports, is_free
from tests.support.ipv6 import has_ipv6


def listening(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, 0), family=family)


class TestTaken:
    @pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=has_ipv6)])
    def test_taken(self, host):
        """A port that somebody listens on is not free, and the error names it and its flag."""
        with listening(host) as taken:
            port = taken.getsockname()[1]

            assert not is_free(host, port)
            with pytest.raises(ServerFailed, match=f"port {port} is in use by another program; choose another with --x-port"):
                check_free({"--x-port": (host, port)})
            check_addresses({"--x-port": (host, port)})  # an earlier server of ours may be about to make room
        assert is_free(host, port)

    @has_ipv6
    @pytest.mark.parametrize("taken_at", ["127.0.0.1", "::1"])
    def test_every_address(self, taken_at):
        """A server that listens everywhere needs the port of both families."""
        with listening(taken_at) as taken:
            assert not is_free("::", taken.getsockname()[1])

    @has_ipv6
    def test_other_family(self):
        """Who listens by IPv4 alone leaves IPv6 free."""
        with listening("127.0.0.1") as taken:
            assert is_free("::1", taken.getsockname()[1])

    def test_twice_the_same(self):
        """One port for two purposes is refused."""
        port = free_ports(1)[0]

        with pytest.raises(BadConfig, match=f"port {port} is given to more than one"):
            check_addresses({"--a": ("127.0.0.1", port), "--b": ("127.0.0.1", port)})


class TestWhatIsSaid:
    @pytest.mark.parametrize(
        ("host", "sentence"),
        [
            ("192.0.2.7", "nobody can listen at 192.0.2.7 (it is no address of this machine); choose another with --x-host"),
            (
                "no-such-host.invalid",
                "the host 'no-such-host.invalid' can't be resolved; expected an address of this machine",
            ),
            ("a" * 200, f"the host '{'a' * 200}' can't be resolved; expected"),
            ("::1%no-such-device", "the host '::1%no-such-device' can't be resolved"),
        ],
    )
    def test_address(self, host, sentence):
        """An address that is none of this machine's is no port in use."""
        with pytest.raises(BadConfig) as caught:
            check_addresses({"--x-port": (host, free_ports(1)[0])})

        assert sentence in str(caught.value)

    def test_rights(self, monkeypatch):
        """A port that this user can't open is told as such."""

        def refuse(*_):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(socket.socket, "bind", refuse)
        with pytest.raises(ServerFailed, match="port 80 is not for this user to open; choose one above 1023 with --x-port"):
            check_addresses({"--x-port": ("127.0.0.1", 80)})


class TestFreePorts:
    def test_free(self):
        """Free ports are different and free."""
        ports = free_ports(5)

        assert len(set(ports)) == 5
        assert all(is_free("127.0.0.1", port) for port in ports)

    def test_they_stay_ours(self):
        """A server that asks for such a port gets it; who asks for any port does not."""
        (port,) = free_ports(1)

        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))  # without SO_REUSEADDR, as the kernel does when it chooses
        with socket.create_server(("127.0.0.1", port)):
            assert not is_free("127.0.0.1", port)
