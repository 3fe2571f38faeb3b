"""The line as a process of its own, by the product's command: started, killed and started again."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import requests

from benchmarks.live import Live, free_ports
from snag.client.session import http_session

_PATIENCE: Final = 30.0
_DROPPED: Final = re.compile(r'^snag_line_dropped_total\{reason="full",sink="mqtt"\} (\S+)$', re.M)

_FILE: Final = """model = "{model}"
folder = "{folder}/line"

[server]
inference_port = {inference}
metrics_port = {metrics}

[fail_safe]
deadline = {deadline}
silent = "{silent}"
slow = "{slow}"

[[folders]]
name = "in"
path = "{folder}/in"
settle = 0.1
poll = 0.05

[metrics]
port = {own}

[mqtt]
port = {broker}
spool = {spool}

[csv]
folder = "{folder}/log"
"""


class RunningLine:
    """A line of one folder, FOLDER/in, to a broker and a table."""

    def __init__(self, folder: Path, server: Live, broker: int, action: str, deadline: float, spool: int) -> None:
        """`action` is what happens to parts without a verdict."""
        self.folder = folder.resolve()
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "in").mkdir(parents=True)
        self._metrics = free_ports(1)[0]
        self._file = self.folder / "line.toml"
        places = {"inference": server.inference_port, "metrics": server.metrics_port, "broker": broker, "own": self._metrics}
        said = {"model": server.model, "folder": self.folder, "deadline": deadline, "silent": action, "slow": action}
        self._file.write_text(_FILE.format(**places, **said, spool=spool))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting: pictures wait for it."""
        with (self.folder / "line.txt").open("ab") as printed:
            command = [sys.executable, "-m", "snag", "line", "--config", str(self._file)]
            self._process = subprocess.Popen(command, stdout=printed, stderr=printed)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal, and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE)
            self._process = None

    def rows(self) -> Sequence[str]:
        """The ids of all rows of its table."""
        files = sorted((self.folder / "log").glob("*.csv"))
        lines = [line for file in files for line in file.read_text(encoding="utf-8-sig").splitlines()[1:]]
        return [line.partition(",")[0] for line in lines]

    def dropped(self) -> int:
        """Events that its full spool lost since it was started, as its metrics tell; 0 while it is not there."""
        try:
            scrape = http_session().get(f"http://127.0.0.1:{self._metrics}/metrics", timeout=5).text
        except requests.RequestException:
            return 0
        return sum(int(float(count)) for count in _DROPPED.findall(scrape))

    def __enter__(self) -> RunningLine:
        self.start()
        end = time.monotonic() + _PATIENCE
        while not (self.folder / "in" / "done").is_dir() and time.monotonic() < end:
            time.sleep(0.05)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()
