"""How a server's address is written: by hand, for a socket, in a URL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.cli.hosts import asked_at, host_of, is_loopback, listened_at, url_of

EVERY = "0.0.0.0"  # noqa: S104  # written, never bound to


@pytest.mark.parametrize(
    ("typed", "host", "url", "is_local"),
    [
        ("127.0.0.1", "127.0.0.1", "http://127.0.0.1:80", True),
        ("127.3.2.1", "127.3.2.1", "http://127.3.2.1:80", True),
        (" LocalHost ", "localhost", "http://localhost:80", True),
        ("::1", "::1", "http://[::1]:80", True),
        ("[::1]", "::1", "http://[::1]:80", True),
        ("0:0:0:0:0:0:0:1", "::1", "http://[::1]:80", True),
        ("::1%lo", "::1%lo", "http://[::1%25lo]:80", True),
        ("::ffff:127.0.0.1", "127.0.0.1", "http://127.0.0.1:80", True),
        ("::ffff:0:0", EVERY, "http://0.0.0.0:80", False),
        ("::", "::", "http://[::]:80", False),
        (EVERY, EVERY, "http://0.0.0.0:80", False),
        ("fe80::1%Eth0", "fe80::1%Eth0", "http://[fe80::1%25Eth0]:80", False),
        ("[fe80::1%25Eth0]", "fe80::1%Eth0", "http://[fe80::1%25Eth0]:80", False),
        ("192.168.1.5", "192.168.1.5", "http://192.168.1.5:80", False),
        ("line-3.example.org", "line-3.example.org", "http://line-3.example.org:80", False),
        ("127.1", "127.1", "http://127.1:80", False),
    ],
)
def test_hosts(typed, host, url, is_local):
    """Every spelling of an address is one address; only what stays on this machine is loopback."""
    assert (host_of(typed), url_of(host, 80), is_loopback(host)) == (host, url, is_local)
    assert host_of(host) == host


@pytest.mark.parametrize(
    "typed", ["", " ", "127.0.0.1:8080", "[::1]:8080", "http://a", "a/b", "a b", "[1.2.3.4]", "[::1", "1", "größe", "-a", "a@b"]
)
def test_no_host(typed):
    """Anything else is refused in one sentence that says what was expected."""
    with pytest.raises(ValueError, match=r"expected a host's name or address alone, such as 192\.168\.1\.5, ::1 or localhost"):
        host_of(typed)


def test_wrapped_loopback():
    """An IPv4 address that IPv6 wraps is what it wraps, also for whoever asks directly."""
    assert [is_loopback(host) for host in ("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:0")] == [True, False, False]


def test_every_address():
    """Where to ask a server that listens everywhere; :: is IPv4 too."""
    assert [asked_at(host) for host in (EVERY, "::", "::1", "10.0.0.1")] == ["127.0.0.1", "::1", "::1", "10.0.0.1"]
    assert [set(listened_at(host)) for host in ("::", EVERY, "::1")] == [{"::", EVERY}, {EVERY}, {"::1"}]


@given(st.ip_addresses())
def test_any_address(address):
    """Any address is taken, with and without brackets where it has them, and its URL leads there."""
    host = host_of(str(address))

    assert host == host_of(url_of(host, 1).removeprefix("http://").removesuffix(":1"))
    assert is_loopback(host) is is_loopback(str(address))
