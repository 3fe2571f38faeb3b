"""The engine: Dask hands parts to worker processes, here or on other machines, and again when a worker dies.

Only a few parts for each worker are with the scheduler at any time, so that its memory does not grow with the source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import dask
from distributed import Client, Future, LocalCluster, as_completed
from distributed.scheduler import KilledWorker

from snag.offline.scoring import Job, score_part

_AHEAD: Final = 3  #: parts for each worker that are under way or wait for it
_SETTINGS: Final[dict[str, Any]] = {
    "distributed.scheduler.allowed-failures": 2,  # a part over which three workers died is given up
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.low-level-log-length": 1000,
    "distributed.logging.distributed": "critical",
}


@dataclass(frozen=True)
class Finished:
    """A part that was scored, or given up because workers died over it, or over another part that they held."""

    number: int
    counts: Counter[str]  #: empty when given up
    is_given_up: bool = False


def run_parts(job: Job, numbers: Iterable[int], workers: int, scheduler: str | None) -> Iterator[Finished]:
    """Score the parts on `workers` processes of this machine, or on the cluster of that scheduler, as they come.

    Raises what a worker raised, for example DiskFull: it would be so for every part.
    """
    with dask.config.set(_SETTINGS), ExitStack() as stack:
        address: Any = scheduler
        if scheduler is None:
            address = stack.enter_context(_cluster(workers))
        client = stack.enter_context(Client(address))
        ahead = _AHEAD * (workers if scheduler is None else max(1, len(client.scheduler_info(n_workers=-1)["workers"])))
        waiting = iter(numbers)
        under_way = as_completed([_submit(client, job, number) for number in islice(waiting, ahead)])
        for future in under_way:
            yield _result(future)
            future.release()
            for number in islice(waiting, 1):
                under_way.add(_submit(client, job, number))


def _cluster(workers: int) -> LocalCluster:
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        silence_logs="CRITICAL",
        host="127.0.0.1",
    )


def _submit(client: Client, job: Job, number: int) -> Future:
    # Not pure: a part that was given up must be tried anew when the command runs again on the same cluster.
    return client.submit(score_part, job, number, key=f"{job.origin['source']}-{number}-{id(client)}", pure=False)


def _result(future: Future) -> Finished:
    number = int(str(future.key).split("-")[1])
    try:
        return Finished(number, future.result())
    except KilledWorker:
        return Finished(number, Counter(), is_given_up=True)
