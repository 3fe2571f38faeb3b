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

from server.instance import Instance
from server.report import Report, receive
from server.settings import ROOT
from snag.errors import ServerFailed


def in_background(instance: Instance) -> Report:
    """Start the server that the folder describes and return when it is up; it outlives this program then.

    Raises ServerFailed, with nothing left running, when it does not come up.
    """
    reading, writing = os.pipe()
    instance.logs.mkdir(parents=True, exist_ok=True)
    with (instance.logs / "console.log").open("wb") as console:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "server.keeper", "--server-folder", str(instance.folder), "--report-to", str(writing)],
            cwd=ROOT,
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
