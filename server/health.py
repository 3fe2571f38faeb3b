"""`python -m server.health`: succeeds when every worker of every model is ready; for containers and supervisors."""

from __future__ import annotations

from pydantic import Field

from cli.settings import Settings, from_flags, run
from server.management import Management
from snag.errors import ServerNotReady


class HealthSettings(Settings):
    """Ask a server whether all its workers are ready."""

    management_port: int = Field(8081, ge=1, le=65535, description="port of management")
    timeout: float = Field(4.0, gt=0, description="seconds to wait for an answer")


def main(argv: list[str] | None = None) -> int:
    """Entry point of `python -m server.health`."""
    return run(lambda: check(from_flags(HealthSettings, argv)))


def check(settings: HealthSettings) -> None:
    """Print a line for each version of a model.

    Raises ServerNotReady when one lacks workers, ServerUnreachable or ServerAnswer when there is nothing to ask.
    """
    management = Management(settings.management_port, settings.timeout)
    versions = [version for model in management.models() for version in management.workers(model)]
    for one in versions:
        print(f"{one.model} {one.version}: {one.ready} of {one.wanted} workers ready")
    lacking = [one for one in versions if not one.all_ready]
    if lacking or not versions:
        detail = ", ".join(f"{one.model} {one.version} has {one.ready} of {one.wanted} workers" for one in lacking)
        raise ServerNotReady(detail=detail or "it has no model")


if __name__ == "__main__":
    raise SystemExit(main())
