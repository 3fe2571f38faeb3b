"""One server's folder: what lies in it, which process keeps the server, and how to end it with everything it has started."""

from __future__ import annotations

import json
import shutil
import signal
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from snag.cli.lock import is_locked, locked
from snag.core.errors import ServerBusy
from snag.core.files import write_text

_LOOK: Final = 0.5  #: seconds; whoever looks whether there is a keeper holds its lock for less than one of a thousand
_PATIENCE: Final = 30.0  #: seconds that a stopping server gets on top of its draining; TorchServe needs about 4


@dataclass(frozen=True)
class Note:
    """What is remembered of a running server."""

    pid: int  #: its keeper
    fingerprint: str  #: digest of all settings that the server was started with
    drain: float  #: seconds that it may take for what is in flight when it is stopped
    temporary: str = ""  #: TorchServe's temporary folder, removed when it is gone
    inference: str = ""  #: TorchServe's own addresses behind the gate
    management: str = ""
    metrics: str = ""


class Instance:
    """The server that belongs to one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.configuration = self.folder / "config.properties"
        self.launch = self.folder / "launch.json"  #: what its keeper is told
        self.served = self.folder / "served.json"  #: which versions of which models it serves
        self.store = self.folder / "store"  #: copies of their archives; TorchServe's model store
        self.keys = self.folder / "key_file.json"  #: TorchServe's own, readable for its owner alone
        self.logs = self.folder / "logs"
        self.golden = self.folder / "golden.png"  #: a picture to try the server with
        self._note = self.folder / "server.json"
        self._kept = self.folder / "keeper.lock"
        self._changing = self.folder / "change.lock"

    def note(self) -> Note | None:
        """What was remembered, whether or not the server still runs."""
        try:
            return Note(**json.loads(self._note.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def remember(self, note: Note) -> None:
        """Replace what is remembered."""
        write_text(self._note, json.dumps(asdict(note), indent=1) + "\n")

    def process(self) -> psutil.Process | None:
        """The server's keeper, if it runs: whoever holds its lock, which nobody can hold by chance."""
        for _ in range(40):  # it takes the lock a moment before it writes the note
            if not is_locked(self._kept):
                return None
            if (note := self.note()) is not None and psutil.pid_exists(note.pid):
                return psutil.Process(note.pid)
            time.sleep(0.05)
        return None

    def kept(self) -> AbstractContextManager[None]:
        """For as long as a keeper lives: no second one can. Raises ServerBusy."""
        return locked(self._kept, ServerBusy(folder=self.folder, detail="its server runs already"), _LOOK)

    def changing(self, patience: float = 15.0) -> AbstractContextManager[None]:
        """While a command changes what is served: no second one can. Raises ServerBusy after some seconds."""
        busy = ServerBusy(folder=self.folder, detail="another command is changing what is served")
        return locked(self._changing, busy, patience)

    def stop(self) -> bool:
        """Stop the server and wait until it and its workers are gone; whether there was one. Safe to call again."""
        process = self.process()
        if process is not None:
            note = self.note()
            _end(process, _PATIENCE + (note.drain if note else 0.0))
        self.forget()
        return process is not None

    def forget(self) -> None:
        """Remove what a stopped server leaves behind, workers of a killed one too; archives, logs and configuration stay."""
        if (note := self.note()) and note.temporary:
            end_orphans(note.temporary)
            shutil.rmtree(note.temporary, ignore_errors=True)
        for path in (self._note, self.keys):  # not the locks: one that is taken away while it is held locks nothing
            path.unlink(missing_ok=True)


def end_orphans(temporary: str) -> None:
    """Kill workers that a killed TorchServe left: they need seconds to notice, then remove the sockets of their successors."""
    orphans = []
    for process in psutil.process_iter(["cmdline"]):
        if any(word.startswith(f"{temporary}/.ts.sock.") for word in process.info["cmdline"] or ()):
            orphans.append(process)
    _kill(orphans)


def _end(process: psutil.Process, patience: float) -> None:
    """Ask, wait, and kill what will not go."""
    try:
        family = [process, *process.children(recursive=True)]
        process.send_signal(signal.SIGTERM)
    except psutil.NoSuchProcess:
        return
    _, stubborn = psutil.wait_procs(family, timeout=patience)
    _kill(stubborn)


def _kill(processes: list[psutil.Process]) -> None:
    for one in processes:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=_PATIENCE)
