"""Jobs: verbs of `snag` that run in processes of their own, one chain of them in a folder at a time.

FOLDER/job.json   what was asked for
FOLDER/at.json    how far it has come; written by the chain itself (snag/studio/chain.py)
FOLDER/job.log    everything that the verbs print
FOLDER/job.lock   held by the chain and its verbs for as long as one of them lives, however it ends
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import snag
from snag.cli.lock import is_locked
from snag.core.errors import BadConfig, DiskFull
from snag.core.files import write_text

Status = Literal["none", "running", "done", "stopped", "failed"]
JOB, AT, LOG, LOCK = "job.json", "at.json", "job.log", "job.lock"
_TAIL: Final = 16_384  #: bytes of the log's end that are read
_INTERRUPTED: Final = (130, -signal.SIGINT, -signal.SIGTERM, -signal.SIGKILL)
#: Where `python -m snag…` finds the package, wherever the studio was started.
_IMPORTABLE: Final = Path(snag.__file__).parents[1]


@dataclass(frozen=True)
class VerbStep:
    """One verb with its flags."""

    verb: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobState:
    """The last chain of a folder, as its files tell it."""

    status: Status
    steps: tuple[VerbStep, ...] = ()
    at: int = 0  #: the step that runs, or ran last
    started: str = ""  #: ISO 8601
    tail: str = ""  #: the log's end

    @property
    def verb(self) -> str:
        """The verb that runs, or ran last."""
        return self.steps[min(self.at, len(self.steps) - 1)].verb if self.steps else ""

    @property
    def is_running(self) -> bool:
        """Whether some process of it lives."""
        return self.status == "running"

    def has(self, verb: str) -> bool:
        """Whether the verb is one of its steps."""
        return any(step.verb == verb for step in self.steps)

    @property
    def lines(self) -> list[str]:
        """The log's last lines, of a progress bar its last state."""
        return [line.rpartition("\r")[2] for line in self.tail.split("\n") if line.strip()]

    @property
    def error(self) -> str:
        """What the command said when it failed."""
        said = [line.removeprefix("error: ") for line in self.lines if line.startswith("error: ")]
        return said[-1] if said else (self.lines[-1] if self.lines else "")


def start(folder: Path, steps: Sequence[VerbStep]) -> None:
    """Run the verbs one after the other, each if the one before it succeeded. Raises BadConfig while another chain runs."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder / LOCK, os.O_RDONLY | os.O_CREAT, 0o666)
    except OSError as error:
        raise DiskFull(path=folder, detail=error) from error
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadConfig(detail=f"{read(folder).verb} is under way: let it finish, or stop it") from None
        begun = datetime.now(UTC).isoformat(timespec="seconds")
        write_text(folder / JOB, json.dumps({"steps": [asdict(step) for step in steps], "started": begun}, indent=1) + "\n")
        (folder / AT).unlink(missing_ok=True)
        _launch(folder, held)
    finally:
        os.close(held)  # the chain holds it now


def stop(folder: Path) -> None:
    """Ask what runs to end, as Ctrl-C does; a training goes on from its last epoch when it is started again."""
    group = _object(folder / AT).get("group")
    if is_locked(folder / LOCK) and isinstance(group, int):
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGINT)


def read(folder: Path) -> JobState:
    """The folder's last chain; status "none" where there was never one, or its files are damaged."""
    asked, at = _object(folder / JOB), _object(folder / AT)
    running = is_locked(folder / LOCK)
    if not asked:
        return JobState("none")
    try:
        steps = tuple(VerbStep(str(one["verb"]), tuple(map(str, one["flags"]))) for one in asked.get("steps", ()))
        step = int(at.get("step", 0))
    except (KeyError, TypeError, ValueError):
        return JobState("none")
    code = at.get("code")
    status: Status = "running" if running else "stopped" if code is None or code in _INTERRUPTED else "failed"
    if not running and code == 0:
        status = "done"
    return JobState(status, steps, step, str(asked.get("started", "")), _end(folder / LOG))


def _launch(folder: Path, held: int) -> None:
    paths = [str(_IMPORTABLE), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-m", "snag.studio.chain", "--folder", str(folder), "--lock", str(held)]
    with (folder / LOG).open("wb") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(held,),
            start_new_session=True,  # closing the studio's terminal ends no training
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"},
        )
    threading.Thread(target=child.wait, daemon=True).start()  # whoever ends while the studio lives leaves no zombie


def _end(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
