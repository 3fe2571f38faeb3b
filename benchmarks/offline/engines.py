"""The same work given to each engine: score some pictures, write a file. `python -m benchmarks.offline.engines NAME FOLDER …`.

The engine alone differs: a task is a number, its result a file that is written atomically, as in `offline/`. Nothing here is
used by the product; an engine that is not installed is left out of the table.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from benchmarks.offline.work import task

WORKERS: Final = 2


def plain(folder: str, numbers: Sequence[int]) -> int:
    """The standard library's pool of processes."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        return sum(pool.map(task, [folder] * len(numbers), numbers))


def dask(folder: str, numbers: Sequence[int]) -> int:
    """Dask's distributed scheduler with a local cluster, a few tasks ahead of the workers."""
    from distributed import Client, LocalCluster, as_completed

    with LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        waiting, total = iter(numbers), 0
        running = as_completed([client.submit(task, folder, number, pure=False) for number in islice(waiting, 3 * WORKERS)])
        for future in running:
            total += future.result()
            for number in islice(waiting, 1):
                running.add(client.submit(task, folder, number, pure=False))
        return total


def ray(folder: str, numbers: Sequence[int]) -> int:
    """Ray Data: a data set of numbers, a task for each."""
    import ray as engine

    engine.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
    parts = engine.data.from_items([{"number": number} for number in numbers], override_num_blocks=len(numbers))
    return sum(row["count"] for row in parts.map(lambda row: {"count": task(folder, row["number"])}).iter_rows())


def spark(folder: str, numbers: Sequence[int]) -> int:
    """Spark on this machine's cores: a partition for each number."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master(f"local[{WORKERS},4]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        return int(session.sparkContext.parallelize(numbers, len(numbers)).map(lambda number: task(folder, number)).sum())
    finally:
        session.stop()


ENGINES: Final[dict[str, Callable[[str, Sequence[int]], int]]] = {"plain": plain, "dask": dask, "ray": ray, "spark": spark}

if __name__ == "__main__":
    name, where, *wanted = sys.argv[1:]
    print(ENGINES[name](where, [int(number) for number in wanted]))
