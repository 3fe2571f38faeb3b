"""`python -m benchmarks.contamination`: the contamination table, resumable; a finished row is not run again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.accuracy.run import ResultLine, run_one
from benchmarks.contamination.hide import HIDDEN, with_hidden
from benchmarks.tables import machine, table
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text

_HEAD = (
    "data",
    "seed",
    "hidden",
    "image AUROC",
    "lost",
    "detected",
    "false alarms",
    "found by the doctor",
    "suspected in vain",
)


class ContaminationSettings(Settings):
    """Hide defective pictures among the good ones, train, calibrate and evaluate, and print what it costs."""

    data: list[Path] = Field(description="data sets in MVTec layout, with test/")
    share: list[float] = Field(
        [0.0, 0.05, 0.1], description="shares of train/good that are defective; the first is compared with"
    )
    preset: str = Field("default", description="preset to train with")
    seed: list[int] = Field([0], description="seeds")
    out: Path = Field(Path("runs/contamination"), description="folder of the data sets, the runs and table.md")
    extra: str = Field("", description="further flags of snag.training.train, for example '--epochs 3'")


def contamination(settings: ContaminationSettings) -> None:
    """Run every row, then write and print the table; it is written anew after each row."""
    rows: list[list[object]] = []
    for data in settings.data:
        for seed in settings.seed:
            first: float | None = None
            for share in settings.share:
                folder = settings.out / f"{data.name}-{share:g}"
                hidden = with_hidden(data, share, max(settings.share), folder / data.name)
                row = run_one(folder / data.name, settings.preset, seed, folder / f"run-{seed}", settings.extra.split())
                first = row.image_auroc if first is None else first
                rows.append([*_cells(row, first, len(hidden)), *_doctors(folder, data.name, set(hidden))])
                write_text(settings.out / "table.md", machine() + "\n" + table(_HEAD, rows))
    Console().print(Markdown(table(_HEAD, rows)))
    print(settings.out / "table.md")


def _cells(row: ResultLine, first: float, hidden: int) -> list[object]:
    lost = round(first - row.image_auroc, 3)
    return [row.data, row.seed, hidden, round(row.image_auroc, 3), lost, f"{row.tpr:.0%}", f"{row.fpr:.0%} of {row.good}"]


def _doctors(folder: Path, data: str, hidden: set[str]) -> list[object]:
    """Hidden pictures that the doctor suspects, and good ones."""
    command = [sys.executable, "-m", "snag.doctor", "--data", str(folder / data), "--run", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    suspects = [Path(one["name"]).name for one in json.loads((folder / "doctor.json").read_text())["suspects"]]
    return [
        f"{sum(name in hidden for name in suspects)} of {len(hidden)}",
        sum(not name.startswith(HIDDEN) for name in suspects),
    ]


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: contamination(from_flags(ContaminationSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
