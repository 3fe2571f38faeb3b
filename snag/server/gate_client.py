"""The gate's own answers, asked from outside: whether the server is alive, and what is ready."""

from __future__ import annotations

from typing import Any, Final

from snag.cli.hosts import asked_at, url_of
from snag.core.errors import ServerAnswer
from snag.server.request import excerpt, request
from snag.server.state.launch import Launch

LIVE: Final = "/health/live"
READY: Final = "/health/ready"
_STATUSES: Final = ("alive", "ready", "partial", "not_ready", "draining")  #: all that the gate says of itself


def ask(host: str, port: int, path: str, timeout: float) -> dict[str, Any]:
    """The answer's object, whatever it says. Raises ServerUnreachable, or ServerAnswer when it is none of the gate's."""
    url = url_of(asked_at(host), port) + path
    answer = request("GET", url, timeout)
    try:
        said = answer.json()
        if said["status"] in _STATUSES:
            return said
    except (ValueError, KeyError, TypeError):
        pass
    raise ServerAnswer(url=url, status=answer.status_code, detail=excerpt(answer))


def default_versions(launch: Launch) -> dict[str, str]:
    """Which version of each model answers clients now, as the gate sees it. Raises ServerUnreachable or ServerAnswer."""
    said = ask(*launch.inference, READY, timeout=5.0)
    return {one["model"]: one["version"] for one in said.get("models", ()) if one["default"] and one["required"]}
