"""Starts that must fail: a server asked to serve an archive that is broken."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.faults.archives import BROKEN
from benchmarks.live import Live


@dataclass(frozen=True)
class Start:
    """What came of one."""

    case: str
    code: int
    reason: str  #: what it said
    seconds: float
    left: int  #: processes that it left

    @property
    def is_right(self) -> bool:
        """Whether it refused, said why in a line, and left nothing."""
        return self.code == 2 and self.reason.startswith("error: ") and "\n" not in self.reason and not self.left


def broken_starts(archive: Path, folder: Path) -> list[Start]:
    """Every broken form of the archive, each with a server of its own."""
    return [_start(case, archive, folder / case.replace(" ", "-")) for case in BROKEN]


def _start(case: str, archive: Path, folder: Path) -> Start:
    store = folder / "store"
    BROKEN[case](archive, store / archive.name)
    server = Live(archive.stem, store, folder)
    begun = time.monotonic()
    command = [sys.executable, "-m", "snag.server.serve", "--model", archive.stem, "--model-store", str(store), *server.where]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begun
    left = [one for one in psutil.process_iter(["cmdline"]) if str(server.folder) in " ".join(one.info["cmdline"] or ())]
    return Start(case, done.returncode, done.stderr.strip().replace(f"{store}/", ""), seconds, len(left))
