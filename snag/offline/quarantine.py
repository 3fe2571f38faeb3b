"""Quarantine: a part over which workers died is judged in a process that may die too, and says which picture it is at.

So the one picture that brings a process down (a decoder that crashes, more memory than there is) is refused by its name, and
all others of its part have their rows.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from snag.core.errors import DeadlyPicture, ScoringFailed
from snag.offline.plan import pictures
from snag.offline.rows import ScoreRow, write_part
from snag.offline.scoring import Job, judge_of

#: Processes that a picture must end: one may have been ended by somebody else.
_TRIES: Final = 2


def judge_apart(job: Job, number: int) -> Counter[str]:
    """Score a part and write it, as `score_part` does. Raises ScoringFailed when a process dies before any picture."""
    start, stop = job.bounds(number)
    rows: list[ScoreRow] = []
    tries = 0
    while start + len(rows) < stop:
        came, end = _rows(job, start + len(rows), stop)
        tries = 1 if came else tries + 1
        rows += came
        if start + len(rows) < stop and tries == _TRIES:
            rows.append(_refused(pictures(job.plan, start + len(rows), start + len(rows) + 1)[0].name, end))
            tries = 0
    write_part(rows, job.part(number), job.origin)
    return Counter(row.code or "judged" for row in rows)


def _rows(job: Job, start: int, stop: int) -> tuple[list[ScoreRow], str]:
    """Rows from `start` on, up to the picture over which the process ended, and how it ended."""
    rows: list[ScoreRow] = []
    with _process(job, start, stop) as (process, said):
        is_ready = False
        with suppress(EOFError, OSError):  # what a process says last may be cut off
            is_ready = said.recv()
            while True:
                rows.append(said.recv())
        process.join()
        end = _end(process.exitcode)
    if not is_ready:
        raise ScoringFailed(count=1, first=start, last=stop - 1, detail=f"a process {end} before it judged anything")
    return rows, end


@contextmanager
def _process(job: Job, start: int, stop: int) -> Iterator[tuple[multiprocessing.process.BaseProcess, Connection]]:
    context = multiprocessing.get_context("spawn")  # threads of torch don't survive a fork
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(job, start, stop, theirs), daemon=True)
    process.start()
    theirs.close()  # or its end would never be told
    try:
        yield process, ours
    finally:
        process.kill()
        process.join()
        ours.close()


def _work(job: Job, start: int, stop: int, said: Connection) -> None:
    with suppress(OSError):  # where memory is short, this process is the one to end
        Path("/proc/self/oom_score_adj").write_text("1000")
    judge = judge_of(job)
    judge.inspector  # noqa: B018  # loaded now: a model that can't be is no picture's fault
    said.send(True)
    for entry in pictures(job.plan, start, stop):
        said.send(judge.row(entry))
        judge.metrics.take()


def _end(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _refused(name: str, end: str) -> ScoreRow:
    error = DeadlyPicture(path=name, tries=_TRIES, detail=end)
    return ScoreRow(name, code=error.code, message=str(error))
