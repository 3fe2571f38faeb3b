"""`python -m benchmarks.training`: what training takes in time and memory, against pictures and against processes."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.tables import machine, table
from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import TooFewPictures
from snag.core.files import write_text
from snag.core.picture_files import picture_files


class TrainingSettings(Settings):
    """Train for a few epochs on more and more pictures, then by more and more processes."""

    data: Path = Field(Path("data/sample"), description="data set in MVTec layout; only train/good is read")
    preset: str = Field("quick", description="preset")
    epochs: int = Field(3, ge=2, description="epochs of each run, beside one with a single epoch")
    pictures: list[int] = Field([40, 80, 160, 320], description="how many good pictures; not more than there are")
    processes: list[int] = Field([1, 2], description="processes that share each batch, on all pictures")
    out: Path = Field(Path("runs/training/table.md"), description="the table")


@dataclass(frozen=True)
class Run:
    """One training."""

    seconds: float
    megabytes: float  #: largest resident memory of a process so far


def training(settings: TrainingSettings) -> None:
    """Measure, print and write. Raises TooFewPictures, CalledProcessError."""
    folder = settings.data / "train" / "good"
    good = picture_files(folder).pictures
    counts = sorted({min(count, len(good)) for count in settings.pictures})
    if not good:
        raise TooFewPictures(found=0, folder=folder, needed=counts[-1] if counts else 1)
    by_pictures = [_row(settings, str(count), good[:: len(good) // count][:count], 1) for count in counts]
    by_processes = [_row(settings, str(count), good, count) for count in settings.processes]
    head = ("seconds of start and end", "seconds of an epoch", "memory MB so far")
    text = "\n".join(
        [
            f"{machine()}preset {settings.preset}, {settings.data.name}\n",
            table(("pictures", *head), by_pictures),
            table((f"processes, {len(good)} pictures", *head), by_processes),
        ]
    )
    write_text(settings.out, text)
    Console(width=120).print(Markdown(text))


def _row(settings: TrainingSettings, value: str, pictures: Sequence[Path], processes: int) -> tuple[object, ...]:
    """A long and a short run: their difference is what epochs take, the rest is reading, preparing, export."""
    long, short = (_train(settings, pictures, processes, epochs) for epochs in (settings.epochs, 1))
    epoch = (long.seconds - short.seconds) / (settings.epochs - 1)
    return value, short.seconds - epoch, epoch, max(long.megabytes, short.megabytes)


def _train(settings: TrainingSettings, pictures: Sequence[Path], processes: int, epochs: int) -> Run:
    with TemporaryDirectory(prefix="snag-") as folder:
        good = Path(folder) / "data" / "train" / "good"
        good.mkdir(parents=True)
        for picture in pictures:
            (good / picture.name).symlink_to(picture.resolve())
        flags = ["--data", f"{folder}/data", "--run", f"{folder}/run", "--preset", settings.preset]
        start = time.monotonic()
        command = [sys.executable, "-m", "snag.training.train", *flags, "--epochs", str(epochs), "--nproc", str(processes)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return Run(time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: training(from_flags(TrainingSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
