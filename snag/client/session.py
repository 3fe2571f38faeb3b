"""Sessions: how whatever speaks to a server does so over HTTP."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter


def http_session() -> requests.Session:
    """A session that no proxy of the environment gets between, and that reaches an IPv6 address with a zone."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", _Adapter())
    return session


class _Adapter(HTTPAdapter):
    """A zone is escaped in a URL (fe80::1%25eth0, RFC 6874); urllib3 undoes that where there are brackets, which are lost."""

    def build_connection_pool_key_attributes(self, *arguments: Any, **options: Any) -> Any:
        """The key with an IPv6 address in its brackets."""
        host, others = super().build_connection_pool_key_attributes(*arguments, **options)
        return host | ({"host": f"[{host['host']}]"} if ":" in host["host"] else {}), others
