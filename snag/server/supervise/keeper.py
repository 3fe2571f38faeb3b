"""`python -m snag.server.supervise.keeper`: the process that stays: it starts TorchServe, opens the gate, and keeps both up.

`snag.server.serve` starts it, in the background as a process of its own, in the foreground by calling `keep`.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from snag.core.errors import ServerFailed, SnagError
from snag.server.state.instance import Instance, Note
from snag.server.state.launch import read_launch
from snag.server.torchserve.process import start

if TYPE_CHECKING:
    from snag.server.supervise.report import Report


def main(argv: list[str] | None = None) -> int:
    """Entry point of `python -m snag.server.supervise.keeper`."""
    # No settings class: loading pydantic takes as long as a fifth of Java's start, which comes first here.
    parser = argparse.ArgumentParser(
        "python -m snag.server.supervise.keeper", description="Keep the server that a folder describes."
    )
    parser.add_argument("--server-folder", type=Path, required=True, help="folder that `snag serve` has prepared")
    parser.add_argument("--report-to", type=int, help="open file descriptor for one line: that it is up, or why not")
    arguments = parser.parse_args(argv)
    try:
        return keep(Instance(arguments.server_folder), False, partial(_tell, arguments.report_to))
    except SnagError as error:
        _tell(arguments.report_to, str(error.details["detail"]) if isinstance(error, ServerFailed) else str(error))
        return 2


def keep(instance: Instance, is_console: bool, ready: Callable[[Report], None]) -> int:
    """Keep the server until this process is told to stop; `ready` is called once, when it is up.

    Returns the exit code. Raises ServerFailed when it does not come up, ServerBusy when there is one already.
    """
    launch = read_launch(instance.launch)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the supervisor takes it: process 1 would not even notice it
    with instance.kept():
        instance.remember(Note(os.getpid(), launch.fingerprint, launch.drain))
        try:
            torchserve = start(instance, is_console)
            from snag.server.supervise.supervisor import (
                supervise,  # now that Java is starting: aiohttp and the like take a while to load
            )

            return supervise(instance, launch, torchserve, is_console, ready)
        finally:
            instance.forget()


def _tell(handle: int | None, what: Report | str) -> None:
    from snag.server.supervise.report import send

    if handle is not None:
        send(handle, what)


if __name__ == "__main__":
    raise SystemExit(main())
