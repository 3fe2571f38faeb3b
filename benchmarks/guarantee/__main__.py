"""`python -m benchmarks.guarantee`: random splits of good pictures against the law of the promise; a table and a plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown
from scipy import stats
from tqdm import tqdm

from benchmarks.drift.measure import QUIET, measured_pool, trained_model
from benchmarks.guarantee.splits import Splits, p_value_misfit, random_splits
from benchmarks.results import keep
from benchmarks.tables import machine, table
from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import TooFewCalibrationPictures
from snag.core.files import write_text
from snag.core.guarantee import AVERAGE, CONFIDENCE

_TIES = "rounded to whole numbers: most tie"


class GuaranteeSettings(Settings):
    """Split good pictures of the embedded sample at random, calibrate on one part, count false alarms on the other."""

    out: Path = Field(Path("runs/drift"), description="folder of the model and the pool, shared with benchmarks.drift")
    run: Path | None = Field(None, description="run folder of a model of the sample; without it one is trained")
    good: int = Field(2000, description="good pictures in the pool")
    rate: float = Field(0.05, gt=0, lt=1, description="false-alarm rate that is asked for")
    confidence: float = Field(0.95, ge=0.5, lt=1, description="confidence of the bound")
    calibration: list[int] = Field([20, 40, 64, 150, 500], description="numbers of calibration pictures")
    splits: int = Field(20_000, description="random splits for each row")
    seed: int = Field(0, ge=0, description="seed of the splits")
    keep: bool = Field(False, description="keep the table as docs/results/promise.md, too, which the documents quote")


def measure(settings: GuaranteeSettings) -> None:
    """Split, count, write the table and the plot."""
    model = settings.run or trained_model(settings.out)
    scores = np.array([one[0] for one in measured_pool(settings.out, model, settings.good, 400, 40)[QUIET]])
    pools = {"as they are": scores, _TIES: np.round(scores)}
    head = (
        *("scores", "pictures", "promise"),
        *(
            "stopped on average",
            "promised",
            "9 of 10 splits",
            "by the law",
            "over the bound",
            "law (KS)",
            "p-values uniform (KS)",
        ),
    )
    text = table(head, _rows(settings, pools))
    write_text(settings.out / "guarantee.md", f"{machine()}\n{text}")
    _plot(settings, scores).savefig(settings.out / "guarantee.png", dpi=110)
    Console().print(Markdown(text))
    if settings.keep:
        print(keep(settings.out / "guarantee.md", "promise"))
    print(f"{settings.out / 'guarantee.md'}, {settings.out / 'guarantee.png'}")


def _rows(settings: GuaranteeSettings, pools: Mapping[str, np.ndarray]) -> Iterator[Sequence[object]]:
    for name, pool in pools.items():
        for count in tqdm(settings.calibration, name, disable=None):
            for kind in (AVERAGE, CONFIDENCE):
                found = _splits(settings, pool, count, kind)
                if found is not None:
                    uniform = p_value_misfit(pool.tolist(), count, settings.splits, settings.seed)
                    yield (name, count, kind, *_cells(found, has_ties=name == _TIES), f"p = {uniform:.2f}")


def _splits(settings: GuaranteeSettings, pool: np.ndarray, count: int, kind: str) -> Splits | None:
    """None where so few pictures can't carry the promise."""
    asked = settings.rate, kind, settings.confidence
    try:
        return random_splits(pool.tolist(), count, *asked, settings.splits, settings.seed)
    except TooFewCalibrationPictures:
        return None


def _cells(found: Splits, has_ties: bool) -> Iterator[str]:
    yield f"{100 * found.rates.mean():.2f} %"
    yield f"at most {100 * (found.promised.average or 0):.2f} %"
    low, high = np.quantile(found.rates, [0.05, 0.95])
    yield f"{100 * low:.1f} to {100 * high:.1f} %"
    yield f"{100 * found.law.ppf(0.05) / found.rest:.1f} to {100 * found.law.ppf(0.95) / found.rest:.1f} %"
    yield f"{100 * found.broken:.1f} %, by the law {100 * found.expected_broken:.1f} %"
    yield "ties lower it" if has_ties else f"p = {found.misfit():.2f}"


def _plot(settings: GuaranteeSettings, scores: np.ndarray) -> Figure:
    """For each number of pictures: how the realised rates are spread, and the Beta law."""
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure((9.6, 4.2), layout="constrained")
        for axes, kind in zip(figure.subplots(1, 2, sharey=True), (AVERAGE, CONFIDENCE), strict=True):
            for index, count in enumerate(settings.calibration):
                found = _splits(settings, scores, count, kind)
                if found is None:
                    continue
                rank, grid = found.promised.rank or 0, np.linspace(0, 4 * settings.rate, 400)
                axes.ecdf(found.rates, color=f"C{index}", linewidth=1.5, label=f"{count} pictures")
                axes.plot(grid, stats.beta.cdf(grid, count + 1 - rank, rank), color=f"C{index}", linewidth=0.9, linestyle="--")
            axes.axvline(settings.rate, color="black", linewidth=0.8)
            axes.set(xlim=(0, 4 * settings.rate), xlabel="realised rate of false alarms", ylim=(0, 1))
            axes.set_title(f"PROMISE={kind}", loc="left", fontsize=10)
            axes.legend(frameon=False, loc="lower right")
        figure.axes[0].set_ylabel(f"share of {settings.splits} random splits; dashed: Beta law")
        return figure


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: measure(from_flags(GuaranteeSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
