"""Supervisor: keeps TorchServe and the gate in front of it running until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import uvloop

from snag.core.errors import DiskFull, ServerFailed, SnagError
from snag.gate.gate import Gate
from snag.gate.settings import GateSettings, SpoolSettings
from snag.gate.upstream.address import Upstream
from snag.gate.upstream.messages import PORT_TAKEN
from snag.server.state.instance import Instance, Note
from snag.server.state.launch import Launch
from snag.server.state.served import Model
from snag.server.supervise.bring_up import Result, bring_up
from snag.server.supervise.reconciler import Reconciler
from snag.server.supervise.report import Report
from snag.server.supervise.watchdog import until_it_ends
from snag.server.torchserve.configuration import properties
from snag.server.torchserve.process import TorchServe, start

_LONGEST_PAUSE: Final = 30.0  #: seconds before Java is started once more
_STABLE: Final = 60.0  #: seconds of running after which the next start need not wait


def supervise(
    instance: Instance, launch: Launch, torchserve: TorchServe, is_console: bool, ready: Callable[[Report], None]
) -> int:
    """Run until SIGTERM or Ctrl-C; 0 then. `torchserve` was just started. Raises ServerFailed when it does not come up."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_supervised(instance, launch, torchserve, is_console, ready))


async def _supervised(
    instance: Instance, launch: Launch, torchserve: TorchServe, is_console: bool, ready: Callable[[Report], None]
) -> int:
    gate = Gate(_gate_settings(instance, launch, is_console))
    await Supervisor(instance, launch, gate, torchserve, is_console, ready).run()
    return 0


class Supervisor:
    """Belongs to one event loop on the main thread: Java dies with the thread that started it."""

    def __init__(
        self,
        instance: Instance,
        launch: Launch,
        gate: Gate,
        torchserve: TorchServe,
        is_console: bool,
        ready: Callable[[Report], None],
    ) -> None:
        self._instance = instance
        self._launch = launch
        self._gate = gate
        self._torchserve = torchserve
        self._is_console = is_console
        self._ready: Callable[[Report], None] | None = ready  #: None once it was called
        self._stop = asyncio.Event()
        self._reconciler = Reconciler(instance, gate, launch.timeout)

    async def run(self) -> None:
        """Open the gate, keep TorchServe up, and end both in order when told to."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        doing: set[asyncio.Task[Any]] = {asyncio.create_task(self._stop.wait())}
        try:
            await self._open()
            loops = (self._keep_up(), self._reconciler.follow(), self._reconciler.retire(), self._reconciler.revive())
            doing |= {asyncio.create_task(loop) for loop in loops}
            done, _ = await asyncio.wait(doing, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # raises what ended it
            await self._gate.drain(self._launch.drain)
        finally:
            self._stop.set()
            for task in doing:
                task.cancel()
            await asyncio.gather(self._gate.close(), asyncio.to_thread(self._torchserve.end))

    async def _open(self) -> None:
        self._reconciler.read()
        try:
            await self._gate.open()
        except OSError as error:
            raise ServerFailed(detail=error.strerror or str(error)) from error

    async def _keep_up(self) -> None:
        """Bring TorchServe up, and again whenever it has ended. Raises ServerFailed when it does not come up at first."""
        pause = 0.0
        while True:
            try:
                await self._bring_up()
            except ServerFailed as error:
                # Somebody else may have been quicker to take a port that was free; that is none of the server's faults.
                if self._ready is not None and PORT_TAKEN not in str(error):
                    raise
                self._gate.log.event("error", "torchserve_failed", detail=str(error))
            await until_it_ends(self._torchserve, lambda: self._gate.log.event("error", "torchserve_hangs"))
            self._gate.connect(None)
            code = self._torchserve.process.returncode
            pause = 0.0 if time.monotonic() - self._torchserve.started > _STABLE else _longer(pause)
            self._gate.log.event("error", "torchserve_ended", code=code, starts_again_after=pause)
            await asyncio.to_thread(self._torchserve.clean_up)
            await self._start_again(pause)

    async def _start_again(self, pause: float) -> None:
        while True:
            await asyncio.sleep(pause)
            try:
                self._torchserve = start(self._instance, self._is_console)  # on this thread: see die_with_parent.py
            except (SnagError, OSError) as error:  # a full disk, for example; it will not be full for ever
                pause = _longer(pause)
                self._gate.log.event("error", "torchserve_failed", detail=str(error), starts_again_after=pause)
            else:
                self._gate.metrics.restarts.inc()
                return

    async def _bring_up(self) -> None:
        self._reconciler.read()  # a command may have changed it a moment before TorchServe ended
        models = self._reconciler.models
        results = await asyncio.to_thread(self._load, self._torchserve, models, asyncio.get_running_loop())
        await self._reconciler.note(results)
        if self._ready is not None:
            broken = [Result(model.name, "", failed=model.failed) for model in models if model.failed is not None]
            if all(result.failed is not None for result in results):
                reasons = [result.failed for result in (*results, *broken)]
                raise ServerFailed(detail=reasons[0] if reasons else "there is no model to serve")
            self._ready(Report((*results, *broken), time.monotonic() - self._torchserve.started))
            self._ready = None

    def _load(self, torchserve: TorchServe, models: tuple[Model, ...], loop: asyncio.AbstractEventLoop) -> list[Result]:
        """Bring all models up on a TorchServe that was just started; runs in a thread of its own."""

        def is_running() -> bool:
            return torchserve.is_running() and not self._stop.is_set()

        def registered(upstream: Upstream) -> None:
            with suppress(DiskFull):  # then no command can change what is served, but it is served
                self._instance.remember(_note(self._launch, torchserve))
            loop.call_soon_threadsafe(self._gate.connect, upstream)

        return bring_up(torchserve, models, self._instance.store, is_running, self._launch.timeout, registered)


def _longer(pause: float) -> float:
    """The next pause before Java is started once more."""
    return min(max(1.0, 2 * pause), _LONGEST_PAUSE)


def _gate_settings(instance: Instance, launch: Launch, is_console: bool) -> GateSettings:
    return GateSettings(
        inference=launch.inference,
        management=launch.management,
        metrics=launch.metrics,
        tokens=Path(launch.tokens) if launch.tokens else None,
        log_file=instance.logs / "requests.log",
        allowed_origins=launch.allowed_origins,
        drift_file=instance.folder / "drift.json",
        spool=SpoolSettings(instance.folder / "spool", launch.spool * 1_000_000, launch.spool_days) if launch.spool else None,
        log_level=launch.log_level,
        console=is_console,
        max_request_bytes=int(properties(instance.configuration.read_text())["max_request_size"]),
    )


def _note(launch: Launch, torchserve: TorchServe) -> Note:
    addresses = torchserve.addresses
    return Note(
        pid=os.getpid(),
        fingerprint=launch.fingerprint,
        drain=launch.drain,
        temporary=str(torchserve.temporary),
        inference=addresses.inference,
        management=addresses.management,
        metrics=addresses.metrics,
    )
