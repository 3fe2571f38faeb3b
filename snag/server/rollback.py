"""`snag rollback`: lets the version that answered before answer again; which takes no time."""

from __future__ import annotations

from snag.cli.settings import from_flags, run
from snag.core.errors import BadConfig, ServerNotReady
from snag.server.change import ServerSession, now
from snag.server.settings import ChangeSettings
from snag.server.state.instance import Instance
from snag.server.state.served import with_previous


class RollbackSettings(ChangeSettings):
    """Go back to the version that a model had before."""


def main(argv: list[str] | None = None) -> int:
    """Entry point of `snag rollback`."""
    return run(lambda: print(rollback(from_flags(RollbackSettings, argv))))


def rollback(settings: RollbackSettings) -> str:
    """Swap the default and the version before it; a second time swaps them back. Returns what was done.

    Raises BadConfig when there is no version before, ServerNotReady when it has no workers, ServerBusy, ServerUnreachable.
    """
    instance = Instance(settings.folder)
    with instance.changing():
        server = ServerSession.of(instance)
        model = server.model(settings.model)
        if model.default is None or model.previous is None:
            raise BadConfig(detail=f"model = {settings.model!r}: there is no version of it to go back to")
        ready = {one.version for one in server.management.versions(model.name) if one.ready}
        if model.previous.version not in ready:
            raise ServerNotReady(detail=f"{model.name} {model.previous.version} has no worker; {model.default.version} goes on")
        server.make_default(with_previous(model, now()))
    return f"{model.name} {model.previous.version} answers again; {model.default.version} is kept"


if __name__ == "__main__":
    raise SystemExit(main())
