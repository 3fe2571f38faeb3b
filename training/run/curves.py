"""A run's loss curves: TensorBoard events while it runs, one PNG to look at."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType

import matplotlib
from matplotlib.figure import Figure
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.summary import scalar

from snag.core.errors import DiskFull
from snag.core.files import write_atomically

matplotlib.use("Agg")


def draw_curves(history: dict[str, list[float]], path: Path) -> None:
    """Draw the mean loss of each epoch for each name in `history`, logarithmic, and write a PNG atomically."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, values in history.items():
        axes.plot(range(1, len(values) + 1), values, label=name)
    axes.set(xlabel="epoch", ylabel="loss", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    write_atomically(path, lambda temporary: figure.savefig(temporary, format="png", dpi=120))


class LossEvents:
    """TensorBoard events of a run's losses; a context.

    Written when they are added, not by SummaryWriter's thread, which a full disk would kill and the run then wait for.
    """

    def __init__(self, folder: Path, done: int) -> None:
        """A new file in `folder`; what earlier files say of epochs after `done` is hidden. Raises DiskFull."""
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = EventsWriter(str(folder / "events"), f".{done}")  # the name alone is of the second it began
            self._write(Event(step=done + 1, session_log=SessionLog(status=SessionLog.START)))
        except OSError as error:
            raise DiskFull(path=folder, detail=error) from error

    def add(self, losses: dict[str, float], epoch: int) -> None:
        """The mean losses of one epoch. Raises DiskFull."""
        try:
            for name, mean in losses.items():
                self._write(Event(step=epoch, summary=scalar(f"loss/{name}", mean)))
            self._writer.flush()
        except OSError as error:
            raise DiskFull(path=self._folder, detail=error) from error

    def __enter__(self) -> LossEvents:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._writer.close()
        except OSError as failed:
            if error is None:
                raise DiskFull(path=self._folder, detail=failed) from failed

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        self._writer.write_event(event)
