"""`python -m server.health`: succeeds when the server is ready; for people, containers and supervisors."""

from __future__ import annotations

from typing import Any

import requests
from pydantic import Field

from cli.settings import Settings, from_flags, run
from snag.errors import ServerAnswer, ServerNotReady, ServerUnreachable


class HealthSettings(Settings):
    """Ask a server whether it is alive, and whether every worker of everything that it should serve is ready."""

    inference_port: int = Field(8080, ge=1, le=65535, description="port of predictions of the server to ask")
    management_port: int | None = Field(None, description="not needed; accepted so that the same flags start and ask")
    metrics_port: int | None = Field(None, description="not needed; accepted so that the same flags start and ask")
    host: str = Field("127.0.0.1", description="where the server is")
    live: bool = Field(False, description="ask no more than whether it is alive: whether it needs a restart")
    timeout: float = Field(4.0, gt=0, description="seconds to wait for an answer")


def main(argv: list[str] | None = None) -> int:
    """Entry point of `python -m server.health`."""
    return run(lambda: check(from_flags(HealthSettings, argv)))


def check(settings: HealthSettings) -> None:
    """Print a line for each version of a model.

    Raises ServerNotReady when something that should serve does not, ServerUnreachable or ServerAnswer when nobody can say.
    """
    if settings.live:
        _ask(settings, "/health/live")
        print("alive")
        return
    health = _ask(settings, "/health/ready")
    for one in health["models"]:
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


def _ask(settings: HealthSettings, path: str) -> dict[str, Any]:
    url = f"http://{settings.host}:{settings.inference_port}{path}"
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url, timeout=settings.timeout)
    except requests.RequestException as error:
        raise ServerUnreachable(url=url, detail=type(error).__name__) from error
    try:
        health = answer.json()
        if health["status"] in ("alive", "ready") or health["error"]["message"]:
            return health
    except (ValueError, KeyError, TypeError):
        pass
    raise ServerAnswer(url=url, status=answer.status_code, detail=" ".join(answer.text[:200].split()) or "nothing")


if __name__ == "__main__":
    raise SystemExit(main())
