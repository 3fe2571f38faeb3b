"""A keeper in the background: started, waited for, and ended again when this program is interrupted meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from snag.core.errors import ServerFailed
from snag.server.state.instance import Instance
from snag.server.supervise.report import Report, receive

#: Where `python -m snag…` finds the package, wherever this command was typed.
_IMPORTABLE: Final = Path(__file__).parents[2]


def in_background(instance: Instance) -> Report:
    """Start the server that the folder describes and return when it is up; it outlives this program then.

    Raises ServerFailed, with nothing left running, when it does not come up.
    """
    reading, writing = os.pipe()
    instance.logs.mkdir(parents=True, exist_ok=True)
    with (instance.logs / "console.log").open("wb") as console:
        keeper = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "snag.server.supervise.keeper",
                "--server-folder",
                str(instance.folder),
                "--report-to",
                str(writing),
            ],
            cwd=_IMPORTABLE,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            pass_fds=(writing,),
            start_new_session=True,
        )
    os.close(writing)
    with _unwound_by_sigterm():
        try:
            with os.fdopen(reading) as pipe:
                line = pipe.readline()
            if not line:
                raise ServerFailed(detail=_last_words(instance))
            report = receive(line)
        except BaseException:
            instance.stop()
            keeper.terminate()  # where it was so young that it was not known as one
            keeper.wait()
            raise
    keeper.returncode = 0  # it is no longer this program's business
    return report


def _last_words(instance: Instance) -> str:
    """Why the keeper ended without a report: a fault of ours, whose trace it has left."""
    lines = (instance.logs / "console.log").read_text(errors="replace").split("\n")
    return f"its keeper ended: {next((line for line in reversed(lines) if line.strip()), 'without a word')}"


@contextmanager
def _unwound_by_sigterm() -> Iterator[None]:
    """While it lasts, SIGTERM unwinds this program instead of killing it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _unwind)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _unwind(number: int, _: types.FrameType | None) -> None:
    raise SystemExit(128 + number)
