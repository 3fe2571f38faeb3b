"""Commands run in a process of their own, which may be killed: forked from a server that has imported torch once."""

from __future__ import annotations

import errno
import itertools
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import torch
from tqdm import tqdm

#: A child that runs longer hangs.
PATIENCE: Final = 120.0


@dataclass(frozen=True)
class Finished:
    """How a child ended: exit code (negative: the signal that killed it) and what it wrote."""

    code: int | None
    out: str
    err: str


class Child:
    """A command that runs; a context, at whose end it is killed if it still runs."""

    def __init__(self, module: str, argv: Sequence[str], before: Callable[[], Any] | None = None) -> None:
        """`python -m module argv`, after `before()` (picklable) in the same process."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.support.children", "tests.support.warm"])
        self._folder = tempfile.TemporaryDirectory()
        self._paths = Path(self._folder.name, "out"), Path(self._folder.name, "err")
        self._line = f"{module} {argv}"
        self._process = context.Process(target=_command, args=(module, list(argv), before, *self._paths))
        self._process.start()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.close()
        self._folder.cleanup()

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def kill(self) -> None:
        """End it at once, with SIGKILL."""
        self._process.kill()
        self._process.join()

    def wait(self) -> Finished:
        """How it ended; one that hangs is killed, and fails the test."""
        self._process.join(PATIENCE)
        out, err = (path.read_text() if path.exists() else "" for path in self._paths)
        if self.runs:
            self.kill()
            raise AssertionError(f"{self._line} hangs; it wrote {err}")
        return Finished(self._process.exitcode, out, err)


def run_command(module: str, argv: Sequence[str], before: Callable[[], Any] | None = None) -> Finished:
    """How `python -m module argv` ends, after `before()` (picklable) in the same process."""
    with Child(module, argv, before) as child:
        return child.wait()


def _command(module: str, argv: list[str], before: Callable[[], Any] | None, out: Path, err: Path) -> None:
    for path, stream in ((out, sys.__stdout__), (err, sys.__stderr__)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    torch.set_num_threads(1)
    tqdm.set_lock(threading.RLock())  # its own is a semaphore, which a killed child would leave behind
    if before is not None:
        before()
    code = import_module(module).main(argv)
    sys.stdout.flush()
    sys.exit(code)


# --- what happens to a child: given as `before`, with functools.partial ----------------------------------------------------


def signal_at_step(number: int, sent: signal.Signals) -> None:
    """The child's training step `number` (from 1, over all epochs) begins with a signal."""
    from snag.training.learner import Learner

    real, steps = Learner.step, itertools.count(1)

    def step(self: Learner, *arguments: Any) -> dict[str, float]:
        if next(steps) == number:
            os.kill(os.getpid(), sent)
        return real(self, *arguments)

    Learner.step = step  # type: ignore[method-assign]


def killed_before_replacing(name: str, time: int) -> None:
    """The child is killed when a file `name` is written, but not yet in place, for the `time`-th time."""
    real, times = Path.replace, itertools.count(1)

    def replace(self: Path, target: Path) -> Path:
        if Path(target).name == name and next(times) == time:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, target)

    Path.replace = replace  # type: ignore[method-assign,assignment]


def files_of_at_most(size: int) -> None:
    """No file of the child grows beyond `size` bytes: a write beyond them fails as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def events_fail() -> None:
    """TensorBoard's file can't be written to, as on a full disk."""
    from tensorboardX.record_writer import RecordWriter

    def flush(self: RecordWriter) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    RecordWriter.flush = flush
