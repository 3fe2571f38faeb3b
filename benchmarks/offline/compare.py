"""`python -m benchmarks.offline.compare`: engines side by side: size, start, time, memory, and what a dead worker does."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from packaging.requirements import Requirement
from pydantic import Field

from benchmarks.offline.engines import ENGINES
from benchmarks.offline.watched import Usage, watch
from snag.cli.settings import Settings, from_flags, run
from snag.core.picture_files import picture_files

#: The distribution that brings each engine.
_PACKAGES: Final = {"plain": None, "dask": "distributed", "ray": "ray[data]", "spark": "pyspark"}
_COLUMNS: Final = (
    *("engine", "version", "installed MB", "first result s", "CPU s", "all s", "pictures/s", "own memory MB"),
    *("after a dead worker", "parts done twice"),
)


class CompareSettings(Settings):
    """Give the same work to each engine that is installed, once undisturbed and once with a worker killed in the middle."""

    source: Path = Field(description="folder of pictures")
    run: Path = Field(description="folder of the run: snag.pt and calibration.json")
    work: Path = Field(Path("runs/engines"), description="folder to work in")
    parts: int = Field(32, ge=4, description="tasks")
    size: int = Field(16, ge=1, description="pictures in a task")


@dataclass(frozen=True)
class Disturbed:
    """What came of the run whose worker was killed."""

    is_complete: bool
    again: int  #: tasks that were started more than once


def compare(settings: CompareSettings) -> None:
    """Print one line for each engine."""
    print(f"| {' | '.join(_COLUMNS)} |\n{'|---' * len(_COLUMNS)}|")
    for name in ENGINES:
        if (sizes := _installed(_PACKAGES[name])) is None:
            print(f"| {name} | not installed |")
            continue
        calm = _run(settings, name, kill=False)
        _, disturbed = calm, _outcome(settings, _run(settings, name, kill=True))
        done = settings.parts * settings.size
        busy = calm.seconds - (calm.first or 0)
        cells = [
            name,
            *sizes,
            f"{calm.first or 0:.1f}",
            f"{calm.cpu_seconds:.0f}",
            f"{calm.seconds:.0f}",
            f"{(done - settings.size) / busy:.1f}",
            f"{calm.memory / 1e6:.0f}",
            "goes on by itself" if disturbed.is_complete else "stops",
            str(disturbed.again),
        ]
        print(f"| {' | '.join(cells)} |", flush=True)


def _run(settings: CompareSettings, name: str, kill: bool) -> Usage:
    _lay_out(settings)
    numbers = [str(number) for number in range(settings.parts)]
    command = [sys.executable, "-m", "benchmarks.offline.engines", name, str(settings.work.resolve()), *numbers]
    done = settings.work / "done"
    env = dict(os.environ) | {"OMP_NUM_THREADS": "1", "RAY_DEDUP_LOGS": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    env |= {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    kill_one = _killer(settings.work) if kill else lambda processes: True
    return watch(command, env, settings.work / f"{name}.log", lambda: any(done.iterdir()), kill_one)


def _killer(work: Path):  # noqa: ANN202
    def kill(processes: list[psutil.Process]) -> bool:
        """End the process that began the latest task, by its own number."""
        pid = int((work / "tries").read_text().split()[-1])
        for process in processes:
            if process.pid == pid:
                process.kill()
                return True
        return False

    return kill


def _lay_out(settings: CompareSettings) -> None:
    work = settings.work
    for folder in ("parts", "done"):
        shutil.rmtree(work / folder, ignore_errors=True)
        (work / folder).mkdir(parents=True)
    (work / "tries").unlink(missing_ok=True)
    (work / "run").unlink(missing_ok=True)
    (work / "run").symlink_to(settings.run.resolve())
    files = sorted(path.resolve() for path in picture_files(settings.source).pictures)
    for number in range(settings.parts):
        chosen = [files[(number * settings.size + step) % len(files)] for step in range(settings.size)]
        (work / "parts" / str(number)).write_text("\n".join(map(str, chosen)))


def _outcome(settings: CompareSettings, usage: Usage) -> Disturbed:
    starts = Counter(line.split()[0] for line in (settings.work / "tries").read_text().splitlines())
    finished = sum(1 for _ in (settings.work / "done").iterdir())
    return Disturbed(usage.status == 0 and finished == settings.parts, sum(count > 1 for count in starts.values()))


def _installed(package: str | None) -> tuple[str, str] | None:
    """Version, and megabytes of the distribution and all that it needs beyond what Snag has anyway; None when it is missing."""
    if package is None:
        return "-", "0"
    try:
        own = _with_needs(package)
    except importlib.metadata.PackageNotFoundError:
        return None
    base = {_plain(name) for name in re.findall(r"^([a-z0-9-]+)==", Path("requirements/base.lock").read_text(), re.M)}
    size = sum(_size(name) for name in own - base)
    return importlib.metadata.version(Requirement(package).name), f"{size / 1e6:.0f}"


def _with_needs(package: str) -> set[str]:
    found: set[str] = set()
    waiting = [Requirement(package)]
    while waiting:
        one = waiting.pop()
        if (name := _plain(one.name)) in found:
            continue
        needs = importlib.metadata.requires(one.name) or []
        found.add(name)
        for need in map(Requirement, needs):
            extras = one.extras or {""}
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(need)
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _size(name: str) -> int:
    files = importlib.metadata.files(name) or []
    return sum(Path(str(file.locate())).stat().st_size for file in files if Path(str(file.locate())).is_file())


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: compare(from_flags(CompareSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
