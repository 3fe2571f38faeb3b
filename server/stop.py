"""`python -m server.stop`: stops the server that `server.serve` started on a port, and waits until it is gone."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from cli.settings import Settings, from_flags, run
from server.instance import Instance
from server.settings import folder_of


class StopSettings(Settings):
    """Stop the server."""

    inference_port: int = Field(8080, ge=1, le=65535, description="port of predictions of the server to stop")
    management_port: int | None = Field(None, description="not needed; accepted so that the same flags start and stop")
    metrics_port: int | None = Field(None, description="not needed; accepted so that the same flags start and stop")
    server_folder: Path | None = Field(None, description="the server's folder, where it was given at the start")


def main(argv: list[str] | None = None) -> int:
    """Entry point of `python -m server.stop`."""
    return run(lambda: stop(from_flags(StopSettings, argv)))


def stop(settings: StopSettings) -> None:
    """Stop it; nothing to stop is no error."""
    stopped = Instance(settings.server_folder or folder_of(settings.inference_port)).stop()
    print("stopped" if stopped else f"no server of Snag runs on port {settings.inference_port}")


if __name__ == "__main__":
    raise SystemExit(main())
