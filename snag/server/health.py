"""`snag health`: succeeds when the server is ready; for people, containers and supervisors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from snag.cli.hosts import Host
from snag.cli.settings import from_flags, run
from snag.core.errors import BadConfig, ServerNotReady
from snag.server.gate_client import LIVE, READY, ask
from snag.server.settings import WhichServer
from snag.server.state.instance import Instance
from snag.server.state.launch import read_launch


class HealthSettings(WhichServer):
    """Ask a server whether it is alive, and whether every worker of everything that it should serve is ready."""

    host: Host | None = Field(None, description="where the server is (default: where the one of this folder was started)")
    live: bool = Field(False, description="ask no more than whether it is alive: whether it needs a restart")
    timeout: float = Field(4.0, gt=0, description="seconds to wait for an answer")


def main(argv: list[str] | None = None) -> int:
    """Entry point of `snag health`."""
    return run(lambda: check(from_flags(HealthSettings, argv)))


def check(settings: HealthSettings) -> None:
    """Print a line for each version of a model.

    Raises ServerNotReady when something that should serve does not, ServerUnreachable or ServerAnswer when nobody can say.
    """
    host = settings.host or _host_of(Instance(settings.folder).launch)
    if settings.live:
        ask(host, settings.inference_port, LIVE, settings.timeout)
        print("alive")
        return
    health = ask(host, settings.inference_port, READY, settings.timeout)
    for one in health.get("models", ()):
        print(_line(one))
    if health["status"] != "ready":
        lacking = [_lack(one) for one in health["models"] if one["required"] and one["ready"] < max(one["workers"], 1)]
        raise ServerNotReady(detail="; ".join(lacking) or health["error"]["message"])


def _host_of(launch: Path) -> str:
    """The host of the server that was started in this folder; loopback where none was, or somewhere else."""
    try:
        return read_launch(launch).inference[0]
    except BadConfig:
        return "127.0.0.1"


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
