"""`snag models`: what a server serves, as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from pydantic import Field
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from snag.cli.settings import from_flags, run
from snag.core.errors import ServerAnswer, ServerUnreachable
from snag.gate.upstream.versions import VersionWorkers
from snag.server.settings import WhichServer
from snag.server.startup_message import say
from snag.server.state.instance import Instance
from snag.server.state.served import Model, ServedVersion, read_state
from snag.server.torchserve.management import Management
from snag.server.torchserve.process import find_upstream

#: Columns of a file or a pipe.
_ENDLESS: Final = 100_000


class ModelsSettings(WhichServer):
    """List the models that a server serves, with their versions."""

    as_json: bool = Field(False, alias="json", description="print JSON instead of a table")


@dataclass(frozen=True)
class ModelRow:
    """One version of one model."""

    model: str
    version: str
    role: str  #: default, previous, retiring or failed
    threshold: float | None
    calibrated: str
    digest: str
    ready: int  #: workers
    wanted: int
    health: str  #: ready, not ready, or why it could not be loaded


def main(argv: list[str] | None = None) -> int:
    """Entry point of `snag models`."""
    return run(lambda: show(from_flags(ModelsSettings, argv)))


def show(settings: ModelsSettings) -> None:
    """Print a row for each version. Raises BadArtifact."""
    instance = Instance(settings.folder)
    rows = rows_of(read_state(instance.served), _workers(instance))
    if settings.as_json:
        say(json.dumps([asdict(row) for row in rows], indent=1))
        return
    print_rows(rows)


def print_rows(rows: Sequence[ModelRow]) -> None:
    """The table, whole: what does not fit on a terminal is folded, and elsewhere lines are as long as need be."""
    console = Console()
    if not console.is_terminal:
        console.width = max(
            console.width, console.measure(_table(rows), options=console.options.update(width=_ENDLESS)).maximum
        )
    console.print(_table(rows))


def rows_of(models: Sequence[Model], workers: Sequence[VersionWorkers]) -> list[ModelRow]:
    """What is served and with how many workers; one that is not registered has none."""
    counts = {(one.model, one.version): one for one in workers}
    rows = []
    for model in models:
        roles = [("default", model.default), ("previous", model.previous), *(("retiring", one) for one in model.retiring)]
        rows += [_row(model, role, one, counts.get((model.name, one.version))) for role, one in roles if one is not None]
        if model.failed is not None:
            rows.append(ModelRow(model.name, "", "failed", None, "", "", 0, 0, model.failed))
    return rows


def _row(model: Model, role: str, version: ServedVersion, workers: VersionWorkers | None) -> ModelRow:
    ready, wanted = (workers.ready, workers.wanted) if workers else (0, 0)
    health = "ready" if workers is not None and workers.all_ready else "not ready"
    return ModelRow(
        model.name, version.version, role, version.threshold, version.calibrated, version.digest, ready, wanted, health
    )


def _workers(instance: Instance) -> list[VersionWorkers]:
    """Of everything that is registered; none while the server does not run."""
    try:
        return Management(find_upstream(instance)).versions()
    except (ServerUnreachable, ServerAnswer):
        return []


def _table(rows: Sequence[ModelRow]) -> Table:
    columns = ("model", "version", "", "threshold", "calibrated", "digest", "workers", "health")
    table = Table(*(Column(name, overflow="fold") for name in columns))
    for row in rows:
        threshold = "" if row.threshold is None else f"{row.threshold:.4g}"
        health = Text(row.health, style="green" if row.health == "ready" else "red")  # not markup: reasons may hold brackets
        workers = f"{row.ready} of {row.wanted}"
        table.add_row(row.model, row.version, row.role, threshold, row.calibrated[:10], row.digest[:12], workers, health)
    return table


if __name__ == "__main__":
    raise SystemExit(main())
