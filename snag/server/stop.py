"""`snag stop`: stops the server that `snag.server.serve` started on a port, and waits until it is gone."""

from __future__ import annotations

from snag.cli.settings import from_flags, run
from snag.server.settings import WhichServer
from snag.server.state.instance import Instance


class StopSettings(WhichServer):
    """Stop the server."""


def main(argv: list[str] | None = None) -> int:
    """Entry point of `snag stop`."""
    return run(lambda: stop(from_flags(StopSettings, argv)))


def stop(settings: StopSettings) -> None:
    """Stop it; nothing to stop is no error."""
    stopped = Instance(settings.folder).stop()
    print("stopped" if stopped else f"no server of Snag runs on port {settings.inference_port}")


if __name__ == "__main__":
    raise SystemExit(main())
