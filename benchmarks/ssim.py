"""`python -m benchmarks.ssim`: the loss's SSIM, by band matrices, beside pytorch-msssim's, by convolutions, there and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from pydantic import Field
from pytorch_msssim import ssim
from rich.console import Console
from rich.markdown import Markdown
from torch import Tensor

from benchmarks.augmentation import PICTURES, fastest, training_step
from benchmarks.tables import machine, table
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text
from snag.training.losses import ReconstructionTarget


class SsimSettings(Settings):
    """Time both by turns, and take the fastest of each."""

    batch: int = Field(8, ge=1, description="pictures a batch")
    repeats: int = Field(15, ge=1, description="times that each is timed")
    threads: int = Field(1, ge=1, description="torch's threads")
    out: Path = Field(Path("runs/ssim/table.md"), description="the table")


def compare(settings: SsimSettings) -> None:
    """Measure, print and write."""
    torch.set_num_threads(settings.threads)
    rows = [_row(settings, channels, size) for channels, size in PICTURES]
    head = (
        "pictures",
        "Snag ms",
        "pytorch-msssim ms",
        "times faster",
        "step ms",
        "step longer by %",
        "difference",
        "difference of gradients, relative",
    )
    where = f"batches of {settings.batch}, {settings.threads} threads, fastest of {settings.repeats}"
    text = f"{machine()}{where}\n\n{table(head, rows)}"
    write_text(settings.out, text)
    Console(width=140).print(Markdown(text))


def _row(settings: SsimSettings, channels: int, size: tuple[int, int]) -> tuple[object, ...]:
    random = torch.Generator().manual_seed(0)
    target = torch.rand(settings.batch, channels, *size, generator=random)
    made = 0.9 * target + 0.1 * torch.rand(target.shape, generator=random)
    own = _there_and_back(made, lambda pictures: ReconstructionTarget(target).similarity(pictures))
    library = _there_and_back(made, lambda pictures: ssim(pictures, target, data_range=1.0))
    (ours, gradient), (theirs, expected) = own(), library()
    snag, other = fastest(settings.repeats, [own, library])
    (step,) = fastest(min(3, settings.repeats), [training_step(target)])
    apart = float((gradient - expected).abs().max() / expected.abs().max())
    shape = f"{settings.batch} x {channels} x {size[0]} x {size[1]}"
    longer = f"{100.0 * (other - snag) / step:+.1f}"
    return shape, 1e3 * snag, 1e3 * other, other / snag, 1e3 * step, longer, float((ours - theirs).abs()), apart


def _there_and_back(made: Tensor, similarity: Callable[[Tensor], Tensor]) -> Callable[[], tuple[Tensor, Tensor]]:
    """What gives the similarity and its gradient, all that a step takes of it."""

    def work() -> tuple[Tensor, Tensor]:
        pictures = made.clone().requires_grad_()
        value = similarity(pictures)
        (gradient,) = torch.autograd.grad(value, pictures)
        return value.detach(), gradient

    return work


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: compare(from_flags(SsimSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
