"""One running server: its folder, its process, and the note that tells later commands which process it is."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from server.configuration import properties
from server.java import find_java
from snag.errors import ServerFailed
from snag.files import write_text

LOG_CONFIGURATION: Final = Path(__file__).parent / "log4j2.xml"
_LONGEST_SOCKET: Final = 80  #: TorchServe's sockets lie in its temporary folder, and a socket's path has at most 107 characters
_PATIENCE: Final = 30.0  #: seconds that a stopping server gets; it needs about 4


@dataclass(frozen=True)
class Note:
    """What is remembered of a started server."""

    pid: int
    created: float  #: when the process began, as the operating system says: pids are used again
    temporary: str  #: its temporary folder, removed when it is gone
    model: str
    fingerprint: str  #: digest of archive and configuration: what the server was started with


class Instance:
    """The server that belongs to one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.configuration = self.folder / "config.properties"
        self.logs = self.folder / "logs"
        self._note = self.folder / "server.json"

    def note(self) -> Note | None:
        """What was remembered, whether or not the server still runs."""
        try:
            return Note(**json.loads(self._note.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def process(self) -> psutil.Process | None:
        """The server's process, if it runs and is the very one that was started here."""
        note = self.note()
        if note is None:
            return None
        try:
            process = psutil.Process(note.pid)
            ours = abs(process.create_time() - note.created) < 2 and str(self.configuration) in process.cmdline()
            return process if ours and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None

    def start(self, model: str, fingerprint: str, foreground: bool) -> subprocess.Popen[bytes]:
        """Start Java with the configuration that lies in the folder. Raises ServerFailed when it can't be started."""
        self.logs.mkdir(parents=True, exist_ok=True)
        temporary = self._make_temporary()
        command = self._command(temporary, foreground)
        with (self.logs / "console.log").open("wb") as console:
            output = None if foreground else console
            process = subprocess.Popen(
                command,
                cwd=self.folder,  # ours alone, and not on the class path: nothing that lies about gets loaded
                env=_environment(temporary),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=not foreground,
            )
        created = psutil.Process(process.pid).create_time()
        note = Note(process.pid, created, str(temporary), model, fingerprint)
        write_text(self._note, json.dumps(asdict(note), indent=1) + "\n")
        return process

    def stop(self) -> bool:
        """Stop the server and wait until it and its workers are gone; whether there was one. Safe to call again."""
        process = self.process()
        if process is not None:
            _end(process)
        self.forget()
        return process is not None

    def forget(self) -> None:
        """Remove what a stopped server leaves behind; logs and configuration stay."""
        if note := self.note():
            shutil.rmtree(note.temporary, ignore_errors=True)
        self._note.unlink(missing_ok=True)

    def _make_temporary(self) -> Path:
        folder = self.folder / "tmp"
        if len(str(folder)) > _LONGEST_SOCKET:
            return Path(tempfile.mkdtemp(prefix="snag-"))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def _command(self, temporary: Path, foreground: bool) -> list[str]:
        """What TorchServe's own launcher would start, but with nothing of the working directory on the class path."""
        home = _torchserve_home()
        settings = properties(self.configuration.read_text())
        return [
            str(find_java()),
            f"-Dmodel_server_home={home}",
            f"-Djava.io.tmpdir={temporary}",
            f"-Dlog4j.configurationFile={LOG_CONFIGURATION.as_uri()}",
            f"-Dsnag.logs={self.logs}",
            f"-Dsnag.console={'info' if foreground else 'off'}",
            *settings.get("vmargs", "").split(),
            "-cp",
            str(home / "ts" / "frontend" / "*"),
            "org.pytorch.serve.ModelServer",
            "--python",
            sys.executable,
            "--ts-config-file",
            str(self.configuration),
            "--no-config-snapshot",
        ]


def _torchserve_home() -> Path:
    places = {name: importlib.util.find_spec(name) for name in ("ts", "yaml")}
    for name, place in places.items():  # without yaml every worker dies while /ping is content; TorchServe does not ask for it
        if place is None:
            raise ServerFailed(detail=f"the Python package {name!r} is missing; run `make setup`")
    return Path(str(places["ts"] and places["ts"].origin)).parents[1]


def _environment(temporary: Path) -> dict[str, str]:
    """The environment without what would override the configuration or the archive's own code."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "LOG_LOCATION", "METRICS_LOCATION", "TEMP", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped and not name.startswith("TS_")}
    return {**kept, "TMPDIR": str(temporary), "TEMP": str(temporary), "PYTHONNOUSERSITE": "1"}


def _end(process: psutil.Process) -> None:
    """Ask, wait, and kill what will not go; the workers too, who outlive a killed Java."""
    try:
        family = [process, *process.children(recursive=True)]
        process.send_signal(signal.SIGTERM)
    except psutil.NoSuchProcess:
        return
    _, stubborn = psutil.wait_procs(family, timeout=_PATIENCE)
    for one in stubborn:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(stubborn, timeout=_PATIENCE)
