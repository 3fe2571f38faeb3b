"""The process of a job: runs its verbs one after the other and notes how far it has come; it needs no studio."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text
from snag.studio.jobs import AT, JOB


class ChainSettings(Settings):
    """Run the verbs that FOLDER/job.json names; the studio starts this."""

    folder: Path = Field(description="folder of the job")
    lock: int = Field(description="file descriptor of the lock that is held while anything of the job lives")


def follow(settings: ChainSettings) -> None:
    """Run the verbs until one fails, and note the step and its exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs would inherit that it is ignored
    steps = json.loads((settings.folder / JOB).read_text())["steps"]
    for number, step in enumerate(steps):
        _note(settings.folder, number, None)
        command = [sys.executable, "-m", "snag", step["verb"], *step["flags"]]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(settings.lock,))
        code = _waited(child)
        if code or number == len(steps) - 1:
            _note(settings.folder, number, code)
        if code:
            raise SystemExit(1)


def _waited(child: subprocess.Popen[bytes]) -> int:
    """Its exit code; whoever interrupts the group interrupts the child as well, and it may take a moment."""
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def _note(folder: Path, step: int, code: int | None) -> None:
    write_text(folder / AT, json.dumps({"step": step, "code": code, "group": os.getpgrp()}) + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; the studio calls it."""
    return run(lambda: follow(from_flags(ChainSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
