"""`python -m benchmarks.fresh`: the model of `make demo` on pictures of the sample that nobody has looked at; two tables."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from benchmarks.fresh.sizes import size_line
from benchmarks.tables import machine, table
from snag.cli.settings import Settings, from_flags, run
from snag.core.bundle import load_bundle
from snag.core.calibration import read_calibration
from snag.core.files import write_text
from snag.core.picture import decode
from snag.core.wire import verdict_json


class FreshSettings(Settings):
    """Draw fresh pictures of the embedded sample, judge them with a calibrated run, and try sizes of calibration."""

    run: Path = Field(Path("runs/demo"), description="run folder of a model of the sample; it is left as it is")
    out: Path = Field(Path("runs/fresh"), description="folder of the pictures, the report and the tables")
    good: int = Field(400, ge=100, description="fresh good pictures")
    each: int = Field(30, ge=1, description="fresh pictures of each kind of defect")
    seed: int = Field(1001, ge=1, description="seed of the drawing; 0 is the sample's own")
    example: Path = Field(Path("data/sample/test/scratch/000.png"), description="picture whose answer is written down")
    sizes: list[int] = Field([32, 38, 39, 59, 64, 79], description="numbers of calibration pictures to try")
    rate: float = Field(0.05, gt=0, lt=1, description="false-alarm rate that is asked for")
    draws: int = Field(3000, ge=2, description="calibration sets for each size")


def fresh(settings: FreshSettings) -> None:
    """Draw, judge by `snag evaluate`, sum up; writes `table.md`, `sizes.md` and `answer.md`."""
    pictures, copy = settings.out / "pictures", settings.out / "run"
    counts = ["--train-good", "1", "--test-good", str(settings.good), "--each-defect", str(settings.each)]
    _snag("sample", "--data", str(pictures), "--seed", str(settings.seed), *counts)
    copy.mkdir(parents=True, exist_ok=True)
    for name in ("snag.pt", "calibration.json"):
        shutil.copyfile(settings.run / name, copy / name)
    _snag("evaluate", "--data", str(pictures), "--run", str(copy))
    figures = json.loads((copy / "report" / "metrics.json").read_text())
    write_text(settings.out / "table.md", f"{machine()}\n{_figures(settings, figures)}")
    good, bad = _scores(copy / "report" / "results.csv")
    write_text(settings.out / "sizes.md", f"{machine()}\n{_sizes(settings, good, bad)}")
    write_text(settings.out / "answer.md", f"{machine()}\n```json\n{_answer(settings)}\n```\n")
    print(*((settings.out / name).read_text() for name in ("table.md", "sizes.md", "answer.md")), sep="\n")


def _snag(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "snag", *words], check=True)


def _figures(settings: FreshSettings, figures: dict[str, Any]) -> str:
    promised = read_calibration(settings.run / "calibration.json").guarantee
    told = promised and promised.average
    head = ("good, bad", "image AUROC", "AUPRO@0.3", "pixel AP", "detected", "false alarms", "told")
    interval = figures["ci"]
    row = (
        f"{figures['counts']['good']}, {figures['counts']['bad']}",
        f"{figures['image_auroc']:.3f} ({_ends(interval['image_auroc'], 3)})",
        f"{figures['aupro_30']:.3f}",
        f"{figures['pixel_ap']:.3f}",
        f"{100 * figures['tpr']:.0f} % ({_ends(interval['tpr'], 0, 100)})",
        f"{100 * figures['fpr']:.1f} % ({_ends(interval['fpr'], 1, 100)})",
        "-" if told is None else f"{100 * told:.2f} %",
    )
    return table(head, [row])


def _ends(interval: Sequence[float], digits: int, factor: float = 1.0) -> str:
    return " to ".join(f"{factor * end:.{digits}f}" for end in interval)


def _answer(settings: FreshSettings) -> str:
    """What a server with this run answers to the example."""
    verdict = load_bundle(settings.run).judge(decode(settings.example.read_bytes()))
    return json.dumps(verdict_json(verdict, settings.run.name, "1.0"))


def _scores(results: Path) -> tuple[list[float], list[float]]:
    """Anomaly scores of the good and of the defective pictures."""
    with results.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    good, bad = ([float(row["score"]) for row in rows if (row["label"] == "0") is wanted] for wanted in (True, False))
    return good, bad


def _sizes(settings: FreshSettings, good: Sequence[float], bad: Sequence[float]) -> str:
    head = ("calibration pictures", "told", "good ones rejected", "detected", "its deviation", "worst tenth")

    def rows() -> Iterator[Sequence[object]]:
        for count in settings.sizes:
            line = size_line(good, bad, count, settings.rate, settings.draws, settings.seed)
            shares = (line.told, line.rejected, line.detected)
            yield (
                count,
                *(f"{100 * share:.2f} %" for share in shares),
                f"{100 * line.spread:.1f}",
                f"{100 * line.worst_tenth:.0f} %",
            )

    return table(head, rows())


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: fresh(from_flags(FreshSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
