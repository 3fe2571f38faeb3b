"""`python -m benchmarks.offline`: `make score`'s memory for ever more pictures; most of them are links to the same few."""

from __future__ import annotations

import os
import shutil
import sys
from itertools import cycle, islice
from pathlib import Path

from pydantic import Field

from benchmarks.offline.watched import watch
from snag.cli.settings import Settings, from_flags, run
from snag.core.picture_files import picture_files

_PER_FOLDER = 1000
_COLUMNS = (
    "pictures",
    "s",
    "pictures/s",
    "CPU ms each",
    "own memory MB",
    "of it the command",
    "largest worker",
    "plan and tables MB",
)


class OfflineSettings(Settings):
    """Score 1,000, 10,000 and 50,000 pictures and print what memory it took."""

    data: Path = Field(Path("data/sample"), description="folder of pictures that are linked again and again")
    run: Path = Field(description="folder of the run: snag.pt and calibration.json")
    work: Path = Field(Path("runs/offline"), description="folder to work in; on the file system of the pictures")
    counts: list[int] = Field([1_000, 10_000, 50_000], description="how many pictures")
    workers: int = Field(os.cpu_count() or 1, ge=1, description="worker processes")


def offline(settings: OfflineSettings) -> None:
    """One line for each count."""
    print(f"| {' | '.join(_COLUMNS)} |\n{'|---' * len(_COLUMNS)}|")
    for count in settings.counts:
        source, out = settings.work / "pictures", settings.work / "scores.parquet"
        _lay_out(settings, source, count)
        command = [
            sys.executable,
            "-m",
            "snag.offline.score",
            "--source",
            str(source),
            "--run",
            str(settings.run),
            "--out",
            str(out),
        ]
        command += ["--workers", str(settings.workers)]
        usage = watch(command, dict(os.environ), settings.work / "log.txt")
        if usage.status:
            raise SystemExit((settings.work / "log.txt").read_text())
        size = sum(path.stat().st_size for path in settings.work.glob("scores*") if path.is_file())
        cells = [f"{usage.seconds:.0f}", f"{count / usage.seconds:.1f}", f"{1000 * usage.cpu_seconds / count:.0f}"]
        sizes = [usage.memory, usage.memory_of["command"], usage.memory_of["worker"], size]
        print(f"| {count} | {' | '.join([*cells, *(f'{one / 1e6:.0f}' for one in sizes)])} |", flush=True)


def _lay_out(settings: OfflineSettings, source: Path, count: int) -> None:
    shutil.rmtree(settings.work, ignore_errors=True)
    files = picture_files(settings.data).pictures
    for number, path in enumerate(islice(cycle(files), count)):
        link = source / str(number // _PER_FOLDER) / f"{number}{path.suffix}"
        link.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, link)


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: offline(from_flags(OfflineSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
