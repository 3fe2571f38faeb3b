"""One cell of the ladder: a way to judge on a data set, measured once and kept as a record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.accuracy.record import AccuracyRecord, read_record, record_of, write_record
from benchmarks.accuracy.run import ResultLine, run_one
from benchmarks.control import control_of
from benchmarks.real.rows import CONTROL, IN_MODE
from benchmarks.tables import command


@dataclass(frozen=True)
class Way:
    """A preset of Snag, or the control at a scale."""

    name: str
    #: Of a data set, the seed and a folder for what it writes.
    measure: Callable[[Path, int, Path], ResultLine]


def preset(name: str, extra: list[str]) -> Way:
    """Snag with a preset and further flags of training, which the way's name tells."""
    told = "".join(f"-{word.strip('-')}" for word in extra)
    return _trained(f"{name}{told}", name, extra)


def in_mode(of: Way, name: str, mode: str, extra: list[str]) -> Way:
    """The same preset, `of`, in a mode that is asked for."""
    return _trained(f"{of.name}{IN_MODE}{mode}", name, [*extra, "--mode", mode])


def _trained(way: str, name: str, extra: list[str]) -> Way:
    def measure(data: Path, seed: int, folder: Path) -> ResultLine:
        return replace(run_one(data, name, seed, folder, extra), preset=way)

    return Way(way, measure)


def control(scale: float) -> Way:
    """The control on whole pictures, whose features see them `scale` times larger than a run would."""
    name = f"{CONTROL}{scale:g}"

    def measure(data: Path, seed: int, folder: Path) -> ResultLine:
        found = control_of(data, scale, seed=seed)
        return ResultLine(
            data=data.name,
            preset=name,
            seed=seed,
            mode=found.mode,
            image_auroc=found.image_auroc,
            worst_defect=found.worst_defect,
            pixel_ap=None,
            aupro_30=None,
            tpr=found.tpr,
            fpr=found.fpr,
            good=found.good,
            bad=found.bad,
            told=found.told,
            shortcut=None,
            gain=None,
            gamma=None,
            train_minutes=found.minutes,
            network_ms=None,
            score_ms=found.score_ms,
        )

    return Way(name, measure)


def measured(data: Path, way: Way, seed: int, out: Path) -> AccuracyRecord:
    """The cell's record: an earlier call's, which names that call and its day, or a new one. Raises what measuring does."""
    folder = _folder(data, way, seed, out)
    done = record_of_cell(data, way, seed, out)
    if done.exists():
        return read_record(done)
    record = record_of([way.measure(data, seed, folder)], command())
    write_record(record, done)
    return record


def record_of_cell(data: Path, way: Way, seed: int, out: Path) -> Path:
    """Where the cell's record lies when it is measured."""
    folder = _folder(data, way, seed, out)
    return folder.with_name(f"{folder.name}.json")


def _folder(data: Path, way: Way, seed: int, out: Path) -> Path:
    return out / f"{data.name}-{way.name}-{seed}"
