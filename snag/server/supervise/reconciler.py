"""Reconciler: what should serve, and what fails to: the gate is told, commands are followed, what failed is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from snag.core.errors import BadArtifact, SnagError
from snag.gate.gate import Gate
from snag.gate.upstream.versions import Wanted
from snag.server.change import ServerSession
from snag.server.state.instance import Instance
from snag.server.state.served import Model, ServedVersion, read_state
from snag.server.supervise.bring_up import Result, register, tasks, wait_for
from snag.server.supervise.retirement import retire
from snag.server.torchserve.log import ServerLog

_LOOK: Final = 0.5  #: seconds between two looks whether other models are to be served
_SHORTEST_PAUSE: Final = 30.0  #: seconds before what failed is tried again
_LONGEST_PAUSE: Final = 600.0

Name = tuple[str, str]  #: model, version


class Reconciler:
    """Belongs to the gate's event loop. Its own loops end when they are cancelled, not for an error of a disk or a command."""

    def __init__(self, instance: Instance, gate: Gate, timeout: float) -> None:
        """`timeout`: seconds for what is tried again."""
        self.models: tuple[Model, ...] = ()
        self._instance = instance
        self._gate = gate
        self._timeout = timeout
        self._failures: dict[Name, str] = {}  #: why
        self._is_ending = False  #: for the thread that tries again: nobody waits for what it finds

    def read(self) -> bool:
        """Take what served.json says, or stay with what it said where it can't be read; whether that is something new."""
        try:
            models = read_state(self._instance.served)
        except BadArtifact:
            return False
        if models == self.models:
            return False
        since = {model.name: model.since for model in self.models}
        changed = {model.name for model in models if model.since != since.get(model.name)}  # and so has proved itself
        self._failures = {name: reason for name, reason in self._failures.items() if name[0] not in changed}
        self.models = models
        self._tell()
        return True

    async def note(self, results: Iterable[Result]) -> None:
        """Take what became of versions that were brought up."""
        for one in results:
            self._failures.pop((one.model, one.version), None)
            if one.failed is not None:
                self._failures[one.model, one.version] = one.failed
                self._gate.log.event("error", "model_failed", model=one.model, version=one.version, detail=one.failed)
        self._tell()
        await self._gate.refresh()

    async def follow(self) -> None:
        """Keep to served.json, and take retiring versions away."""
        while True:
            await asyncio.sleep(_LOOK)
            if self.read():
                self._gate.log.event("info", "serves", models=[_named(model) for model in self.models])
                await self._gate.refresh()

    async def retire(self) -> None:
        """Take versions away of which the gate knows that they retire, and asks them no more."""
        while True:
            await asyncio.sleep(_LOOK)
            old = {(model.name, version) for model in self.models for version in model.retiring}
            if old:
                with suppress(SnagError, OSError):  # then later
                    await retire(self._instance, self._gate, old)

    async def revive(self) -> None:
        """Try again, ever more rarely, what failed: a disk may have space again, a machine may have memory."""
        pause = _SHORTEST_PAUSE
        try:
            while True:
                await asyncio.sleep(pause)
                failed = set(self._failures)
                with suppress(SnagError, OSError):  # then later
                    await self.note(await asyncio.to_thread(self._bring_up_again, failed) if failed else ())
                pause = min(2 * pause, _LONGEST_PAUSE) if self._failures else _SHORTEST_PAUSE
        finally:
            self._is_ending = True

    def _bring_up_again(self, failed: set[Name]) -> list[Result]:
        """In a thread of its own, which the process waits for at its end."""

        def is_worth_it() -> bool:
            return not self._is_ending and server.is_the_same()

        with self._instance.changing(patience=0.0):
            server = ServerSession.of(self._instance)
            todo = [
                one for one in tasks(list(server.models.values()), self._instance.store) if (one.model, one.version) in failed
            ]
            for task in todo:  # what is left of it
                if task.version in {version.version for version in server.management.versions(task.model)}:
                    server.management.unregister(task.model, task.version)
            log = ServerLog(self._instance.logs)
            refused = register(server.management, todo)
            left = [task for task in todo if task not in refused]
            results = [*refused.values(), *wait_for(server.upstream, log, left, is_worth_it, self._timeout)]
            for one in results:
                default = server.models[one.model].default
                if one.failed is None and default is not None and default.version == one.version:
                    server.management.set_default(one.model, one.version)
            return results

    def _tell(self) -> None:
        wanted = [
            Wanted(model.name, version.version, self._failures.get((model.name, version.version)))
            for model in self.models
            for version in model.versions
        ]
        self._gate.expect(wanted + [Wanted(model.name, "", model.failed) for model in self.models if model.failed is not None])


def _named(model: Model) -> str:
    def name(version: ServedVersion | None) -> str:
        return version.version if version else "none"

    return f"{model.name} {name(model.default)}, before {name(model.previous)}"
