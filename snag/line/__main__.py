"""`snag line`: judges what folders and cameras bring through a running server, and tells machines what to do."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from snag.cli.lock import held
from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadConfig
from snag.line.configuration import LineConfiguration, read_configuration
from snag.line.drift_poll import ACKNOWLEDGE
from snag.line.journal import Journal
from snag.line.line import JOURNAL, Line
from snag.line.sinks.kinds import made_sinks


class LineSettings(Settings):
    """Run a line as one TOML file says, until Ctrl-C or SIGTERM."""

    config: Path = Field(description="the line's TOML file; docs/reference/line.md lists what may stand in it")
    check: bool = Field(False, description="only say whether the file is right, and all is there that it needs")
    acknowledge: bool = Field(
        False,
        description="tell the line, running or not, that its drift is known: it ends until the server raises another alarm",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `snag line`."""
    return run(lambda: line(from_flags(LineSettings, argv)))


def line(settings: LineSettings) -> None:
    """Check, acknowledge or run. Raises BadConfig, BadArtifact, DiskFull, ServerFailed."""
    configuration = read_configuration(settings.config)
    made_sinks(configuration.sinks, threading.Event())  # before anything is touched
    if settings.check:
        print(f"{settings.config} is right: {', '.join(configuration.names)} to {', '.join(configuration.sinks)}")
    elif settings.acknowledge:
        _acknowledge(configuration)
    else:
        with held(configuration.folder, "running a line in"):
            run_line(configuration, _signals())


def run_line(configuration: LineConfiguration, ends: threading.Event) -> None:
    """Run a line until `ends` is set."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("snag.line").setLevel(logging.INFO)
    made = Line(configuration)
    try:
        made.start()
        print(f"line: {', '.join(configuration.names)} to {', '.join(configuration.sinks)}; Ctrl-C ends it", flush=True)
        every = configuration.fail_safe.heartbeat
        due = time.monotonic()
        while not ends.is_set():
            made.turn()
            due = max(due + every, time.monotonic())
            ends.wait(due - time.monotonic())
    finally:
        made.stop()


def _acknowledge(configuration: LineConfiguration) -> None:
    path = configuration.folder / JOURNAL
    if not path.is_file():  # one made here would be another line's, or nobody's
        raise BadConfig(detail=f"{path.absolute()} is missing: expected the folder of a line that has run, as seen from here")
    journal = Journal(path, lambda sink, count: None)
    journal.put_note(ACKNOWLEDGE, "1")
    journal.close()
    print("acknowledged: the line takes note of it at its next look at the server's alarms")


def _signals() -> threading.Event:
    """Set by the signals that end a command."""
    ends = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ends.set())
    return ends


if __name__ == "__main__":
    raise SystemExit(main())
