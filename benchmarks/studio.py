"""`python -m benchmarks.studio`: how long the studio's pages take of a product with many pictures."""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import psutil
import requests
from PIL import Image
from pydantic import Field

from benchmarks import tables
from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import ServerFailed
from snag.core.files import write_text

_START: Final = 60.0  #: seconds that the studio may take to answer
_PICTURES: Final = 48  #: thumbnails that are asked for, as many as a page shows


class StudioBenchmarkSettings(Settings):
    """Start the studio with a product of many pictures and time its pages over HTTP."""

    pictures: int = Field(10_000, ge=_PICTURES, description="good pictures of the product, links to a few files")
    side: int = Field(1024, ge=32, description="their pixels on a side")
    repeats: int = Field(20, ge=1, description="times that each page is asked for")
    out: Path | None = Field(None, description="file to write the table to")


def measure(settings: StudioBenchmarkSettings) -> str:
    """The table: first and further times of each page, and of thumbnails made and kept."""
    with tempfile.TemporaryDirectory() as folder:
        _lay_out(Path(folder), settings)
        with _studio(Path(folder)) as (url, process):
            rows = [_row(name, url + path, settings.repeats, process) for name, path in _pages(settings.pictures)]
            first, kept = (_thumbnails(url) for _ in range(2))
    rows.append(
        [f"a thumbnail of {settings.side} x {settings.side}", max(first), statistics.median(kept), max(kept), float("nan")]
    )
    head = ("page", "first ms", "then, median ms", "then, slowest ms", "of the studio's processor, mean ms")
    said = f"\nA product of {settings.pictures:,} pictures; each page was asked for {settings.repeats} times, one by one\n"
    return f"{tables.machine()}\n{tables.table(head, rows)}{said}"


def _pages(pictures: int) -> list[tuple[str, str]]:
    last = -(-pictures // _PICTURES)
    tabs = [(tab, f"/product/bolt/{tab}") for tab in ("training", "threshold", "live", "review")]
    return [
        ("pictures", "/product/bolt/pictures"),
        ("pictures, last", f"/product/bolt/pictures?page={last}"),
        ("products", "/"),
        *tabs,
    ]


def _lay_out(folder: Path, settings: StudioBenchmarkSettings) -> None:
    """Files of their own for the pictures of one page, hard links to these for all others."""
    good = folder / "data" / "bolt" / "train" / "good"
    good.mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(settings.pictures):
        path = good / f"{number:06}.png"
        if number < _PICTURES:
            pixels = random.integers(0, 255, (settings.side, settings.side), np.uint8)
            Image.fromarray(pixels).save(path, compress_level=1)
        else:
            path.hardlink_to(good / f"{number % _PICTURES:06}.png")


@contextmanager
def _studio(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "snag",
        "studio",
        f"--port={port}",
        f"--data-root={folder / 'data'}",
        f"--runs={folder / 'runs'}",
    ]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + _START
        while not _answers(f"{url}/sheet/none"):
            if time.monotonic() > deadline or child.poll() is not None:
                raise ServerFailed(detail="the studio did not come up")
            time.sleep(0.05)
        yield url, psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait()
        shutil.rmtree(folder / "data")


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 404
    except requests.ConnectionError:
        return False


def _row(name: str, url: str, repeats: int, process: psutil.Process) -> list[object]:
    first, before = _milliseconds(url), _processor_time(process)
    times = [_milliseconds(url) for _ in range(repeats)]
    mean = 1000 * (_processor_time(process) - before) / repeats
    return [name, first, statistics.median(times), max(times), mean]


def _processor_time(process: psutil.Process) -> float:
    """Seconds, of all its threads: what else runs on the machine does not count."""
    used = process.cpu_times()
    return float(used.user + used.system)


def _thumbnails(url: str) -> list[float]:
    return [_milliseconds(f"{url}/thumbnail/bolt/train/good/{number:06}.png") for number in range(_PICTURES)]


def _milliseconds(url: str) -> float:
    begin = time.perf_counter()
    requests.get(url, timeout=60).raise_for_status()
    return 1000 * (time.perf_counter() - begin)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; see `--help`."""

    def work() -> None:
        settings = from_flags(StudioBenchmarkSettings, argv)
        table = measure(settings)
        print(table)
        if settings.out is not None:
            write_text(settings.out, table)

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())
