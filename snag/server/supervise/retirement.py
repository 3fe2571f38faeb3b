"""Retirement: versions that are older than the one to go back to are taken away once nothing of theirs is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress

from snag.core.errors import ServerAnswer
from snag.gate.gate import Gate
from snag.server.state.instance import Instance
from snag.server.state.served import ServedVersion, read_state, without_version, write_state
from snag.server.torchserve.management import Management
from snag.server.torchserve.process import find_upstream

Named = tuple[str, ServedVersion]  #: model, version


async def retire(instance: Instance, gate: Gate, versions: Collection[Named]) -> None:
    """Take versions away that the gate asks no more: what TorchServe has in flight when it drops one is never answered.

    Raises ServerBusy or ServerUnreachable when it can't be done now.
    """
    await gate.settled()
    await asyncio.to_thread(_take_away, instance, versions)


def _take_away(instance: Instance, versions: Collection[Named]) -> None:
    with instance.changing(patience=0.0):
        management = Management(find_upstream(instance))
        models = {model.name: model for model in read_state(instance.served)}
        for name, version in versions:
            if name not in models or version not in models[name].retiring:  # it was called back meanwhile
                continue
            with suppress(ServerAnswer):  # it was never registered with the TorchServe that runs now
                management.unregister(name, version.version)
            (instance.store / version.archive).unlink(missing_ok=True)
            models[name] = without_version(models[name], version)
        write_state(instance.served, models.values())
