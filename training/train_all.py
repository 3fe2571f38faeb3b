"""`snag train-all`: every part below a folder trained, calibrated and packed; goes on where it stopped.

Each stage is a verb that also runs by itself, in a process of its own: what one part does to memory ends with it, and one
that fails does not keep the others from being done. On a cluster `--index` picks one part (deploy/kubernetes/train).
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from snag.cli.folder import check_folder
from snag.cli.model_name import NAME, model_name, named_after
from snag.cli.settings import Settings, from_flags, run
from snag.cli.stage import is_needed, run_verb
from snag.core.calibration import read_calibration
from snag.core.errors import BadArtifact, BadConfig, NoPictures, PartsFailed
from snag.core.files import write_text
from snag.core.picture_files import visible_folders


class TrainAllSettings(Settings):
    """Train, calibrate and pack each part of a folder of data folders, and sum up."""

    data_root: Path = Field(description="folder of data folders in MVTec layout; their names become the models' names")
    runs: Path = Field(
        Path("runs"), description="folder of the runs, one for each part, and of train-all.json and train-all.md"
    )
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    preset: str = Field("default", description="preset of training")
    fpr: float = Field(0.05, gt=0, lt=1, description="target false-alarm rate")
    version: str = Field("1.0", pattern=rf"^{NAME}$", description="version of the archives")
    index: int | None = Field(None, ge=0, description="do only this one, counted from 0 in the order of the names")
    extra: str = Field("", description="further flags of `snag train`, for example '--epochs 3'")


@dataclass(frozen=True)
class Part:
    """One part and where its results go."""

    name: str  #: of the model
    data: Path
    run: Path
    archive: Path


def train_all(settings: TrainAllSettings) -> None:
    """Do what is not done yet, then sum up all of it.

    Raises NoPictures when there is no data folder, BadConfig for names that can't be models', DiskFull for folders that can't
    take the results, all before any work; PartsFailed when some part could not be finished.
    """
    parts = parts_of(settings)
    for folder in (settings.runs, settings.model_store):
        check_folder(folder)
    if settings.index is not None and settings.index >= len(parts):
        print(f"there is no part {settings.index}; {settings.data_root} holds {len(parts)}")
        return
    chosen = parts if settings.index is None else [parts[settings.index]]
    failed = [part.name for part in chosen if not _finish(part, settings)]
    rows = [row_of(part) for part in parts]
    write_text(settings.runs / "train-all.json", json.dumps(rows, indent=1) + "\n")
    write_text(settings.runs / "train-all.md", table(rows))
    print(table(rows))
    if failed:
        raise PartsFailed(count=len(failed), total=len(chosen), names=", ".join(failed))


def parts_of(settings: TrainAllSettings) -> list[Part]:
    """Every part in the order of the folders' names. Raises NoPictures, BadConfig where two would be called the same."""
    found = [folder for folder in visible_folders(settings.data_root) if (folder / "train" / "good").is_dir()]
    if not found:
        raise NoPictures(folder=settings.data_root, expected="data folders with train/good in them")
    named: dict[str, Path] = {}
    for data in found:
        name = model_name(data)
        if name in named:
            raise BadConfig(
                detail=f"the models of {named[name]} and {data} would both be called {name}: rename one of the folders"
            )
        named[name] = data
    return [Part(name, data, settings.runs / name, settings.model_store / f"{name}.mar") for name, data in named.items()]


def stages(part: Part, settings: TrainAllSettings) -> Iterator[tuple[str, list[str]]]:
    """The commands that are to be run for a part, (verb, flags), each decided on when the one before has run.

    Training finds out by itself whether it is done. A threshold that was not made for a rate was set on purpose, and stays.
    """
    where = [f"--data={part.data}", f"--run={part.run}"]
    yield "train", [*where, "--preset", settings.preset, *shlex.split(settings.extra)]
    if is_needed("calibrate", where) or row_of(part)["rate"] not in (None, settings.fpr):
        yield "calibrate", [*where, "--fpr", repr(settings.fpr)]
    packing = [
        f"--run={part.run}",
        "--model",
        part.name,
        f"--model-store={settings.model_store}",
        "--version",
        settings.version,
    ]
    if is_needed("archive", packing):
        yield "archive", packing


def row_of(part: Part) -> dict[str, Any]:
    """A part's line of the summary: what its files say, or None where they are not there yet."""
    row: dict[str, Any] = {"model": part.name, "threshold": None, "rate": None, "calibrated on": None, "minutes": None}
    try:
        calibration = read_calibration(part.run / "calibration.json")
        row |= {"threshold": calibration.threshold, "rate": calibration.rate, "calibrated on": calibration.count}
        row["minutes"] = json.loads((part.run / "train-all.json").read_text())["minutes"]
    except (BadArtifact, OSError, ValueError, KeyError):
        pass
    return row | {"archive": str(part.archive) if part.archive.exists() else None}


def table(rows: list[dict[str, Any]]) -> str:
    """The summary as Markdown."""
    lines = [f"| {' | '.join(rows[0])} |", "|---" * len(rows[0]) + "|"]
    return "\n".join(lines + [f"| {' | '.join(map(_cell, row.values()))} |" for row in rows]) + "\n"


def _finish(part: Part, settings: TrainAllSettings) -> bool:
    """Run a part's stages; whether all went well."""
    begin = time.monotonic()
    if sentence := named_after(part.data, part.name):
        print(sentence)
    for verb, flags in stages(part, settings):
        print(f"== {part.name}: {verb}", flush=True)
        if run_verb(verb, flags):
            return False
    note = part.run / "train-all.json"
    if not note.exists():
        write_text(note, json.dumps({"minutes": round((time.monotonic() - begin) / 60, 1)}) + "\n")
    return True


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: train_all(from_flags(TrainAllSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
