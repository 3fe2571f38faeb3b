"""`snag health`: succeeds when the server is ready; for people, containers and supervisors."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from snag.cli.settings import from_flags, run
from snag.core.errors import ServerNotReady
from snag.server.gate_client import LIVE, READY, ask
from snag.server.settings import WhichServer


class HealthSettings(WhichServer):
    """Ask a server whether it is alive, and whether every worker of everything that it should serve is ready."""

    host: str = Field("127.0.0.1", description="where the server is")
    live: bool = Field(False, description="ask no more than whether it is alive: whether it needs a restart")
    timeout: float = Field(4.0, gt=0, description="seconds to wait for an answer")


def main(argv: list[str] | None = None) -> int:
    """Entry point of `snag health`."""
    return run(lambda: check(from_flags(HealthSettings, argv)))


def check(settings: HealthSettings) -> None:
    """Print a line for each version of a model.

    Raises ServerNotReady when something that should serve does not, ServerUnreachable or ServerAnswer when nobody can say.
    """
    if settings.live:
        ask(settings.host, settings.inference_port, LIVE, settings.timeout)
        print("alive")
        return
    health = ask(settings.host, settings.inference_port, READY, settings.timeout)
    for one in health.get("models", ()):
        print(_line(one))
    if health["status"] != "ready":
        lacking = [_lack(one) for one in health["models"] if one["required"] and one["ready"] < max(one["workers"], 1)]
        raise ServerNotReady(detail="; ".join(lacking) or health["error"]["message"])


def _line(one: dict[str, Any]) -> str:
    name = f"{one['model']} {one['version']}".strip()
    if "failed" in one:
        return f"{name}: could not be loaded"
    remark = "" if one["default"] else " (not the default)"
    return f"{name}: {one['ready']} of {one['workers']} workers ready{remark}"


def _lack(one: dict[str, Any]) -> str:
    name = f"{one['model']} {one['version']}".strip()
    return f"{name}: {one['failed']}" if "failed" in one else f"{name} has {one['ready']} of {one['workers']} workers"


if __name__ == "__main__":
    raise SystemExit(main())
