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


def run_command(module: str, argv: Sequence[str], before: Callable[[], Any] | None = None) -> Finished:
    """`python -m module argv`, after `before()` (picklable) in the same process."""
    context = multiprocessing.get_context("forkserver")
    # torch loads _dynamo with the first optimizer, which takes each child a second.
    context.set_forkserver_preload(
        ["tests.support.children", "snag.training.train", "snag.training.calibrate", "torch._dynamo"]
    )
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        child = context.Process(target=_command, args=(module, list(argv), before, out, err))
        child.start()
        child.join(PATIENCE)
        if child.is_alive():
            child.kill()
            child.join()
            raise AssertionError(f"{module} {argv} hangs; it wrote {err.read_text()}")
        finished = Finished(child.exitcode, out.read_text(), err.read_text())
        child.close()
        return finished


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
