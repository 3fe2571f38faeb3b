"""ProcessGroup: training on several processes, on one machine or many, with the steps that one process would make.

Each process takes its share of every batch; gradients are added up, and what is averaged over the batch (losses, batch
normalisation) is averaged over all of it. So the loss curve is that of one process but for rounding. Processes come from
torchrun (gloo on processors, nccl on GPUs); without it a group has one process, and shares nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, distributed, nn

from snag.core.errors import BadConfig

T = TypeVar("T")


@dataclass(frozen=True)
class ProcessGroup:
    """Which of how many processes this one is."""

    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process writes, prints and decides."""
        return self.rank == 0

    def share(self, *batch: Tensor) -> tuple[tuple[Tensor, ...], float]:
        """This process's rows of each tensor, and their weight in the batch; all of a batch that is too small to be shared."""
        count = len(batch[0])
        if count < self.size:
            return batch, 1 / self.size
        mine = tuple(tensor.tensor_split(self.size)[self.rank] for tensor in batch)
        return mine, len(mine[0]) / count

    def add_gradients(self, module: nn.Module) -> None:
        """Add up every process's gradients, which were made of weighted losses."""
        if self.size == 1:
            return
        gradients = [weight.grad for weight in module.parameters() if weight.grad is not None]
        together = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(together)
        for gradient, summed in zip(gradients, together.split([each.numel() for each in gradients]), strict=True):
            gradient.copy_(summed.view_as(gradient))

    def sum(self, values: dict[str, float]) -> dict[str, float]:
        """Each value added up over all processes."""
        if self.size == 1:
            return values
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        together = torch.tensor(list(values.values()), dtype=torch.float64, device=device)
        distributed.all_reduce(together)
        return dict(zip(values, together.tolist(), strict=True))

    def total(self, value: float) -> float:
        """A value added up over all processes."""
        return self.sum({"value": value})["value"]

    def normalise_together(self, module: nn.Module) -> None:
        """Let every batch normalisation inside count the whole batch."""
        for layer in module.modules() if self.size > 1 else ():
            if isinstance(layer, nn.BatchNorm2d):
                layer.__class__ = _SharedNorm

    def broadcast(self, decide: Callable[[], T]) -> T:
        """What the main process finds, for all: the others may be on machines that do not see its files."""
        if self.size == 1:
            return decide()
        box: list[Any] = [decide() if self.is_main else None]
        distributed.broadcast_object_list(box)
        return box[0]

    def assert_same(self, mine: object) -> None:
        """Raises BadConfig where this process brings something else than the main one: they would not train one model."""
        if self.broadcast(lambda: mine) != mine:
            what = "other settings, pictures or lots"
            raise BadConfig(detail=f"process {self.rank} of {self.size} has {what} than the first one")

    def main_first(self, work: Callable[[], T]) -> T:
        """The main process works before the others, who may find what it has left."""
        if not self.is_main:
            self.wait()
        done = work()
        if self.is_main:
            self.wait()
        return done

    def wait(self) -> None:
        """Wait for all."""
        if self.size > 1:
            distributed.barrier()


#: The group of one: nothing is shared.
ALONE: Final = ProcessGroup()
#: For the environment of what `launch_command` names: processes that are started again must not find the addresses of the dead.
FRESH: Final = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}


def launch_command(nproc: int, hosts: int, rendezvous: str | None, words: Sequence[str]) -> list[str] | None:
    """The command that starts a group of `snag train` with these words; None inside of a group, or alone.

    torchrun starts the processes, starts all of them again when one dies, and lets those of several machines meet.
    """
    if "WORLD_SIZE" in os.environ or nproc * hosts == 1:
        return None
    where = ["--standalone"]
    if rendezvous:
        where = ["--nnodes", str(hosts), "--rdzv-backend", "c10d", "--rdzv-id", "snag", "--rdzv-endpoint", rendezvous]
    line = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(nproc), "--max-restarts", "3", *where]
    return [*line, "-m", "--", "snag.training.train", *words]


@contextmanager
def process_group(device: torch.device) -> Iterator[ProcessGroup]:
    """The group that torchrun's environment describes."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    if device.type == "cuda":
        place, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if place >= there:
            raise BadConfig(detail=f"process {place + 1} finds {there} GPUs: expected one for each of nproc, or --device cpu")
        torch.cuda.set_device(place)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield ProcessGroup(distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()


class _Sum(torch.autograd.Function):
    """A tensor added up over all processes; each of them gets the gradient of what all of them make of it."""

    @staticmethod
    def forward(_: Any, values: Tensor) -> Tensor:
        summed = values.clone()
        distributed.all_reduce(summed)
        return summed

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        return _Sum.forward(_, gradients[0])


class _SharedNorm(nn.BatchNorm2d):
    """Batch normalisation over every process's rows. torch's own does that on GPUs alone."""

    def forward(self, input: Tensor) -> Tensor:
        """[n, c, h, w] -> the same; mean and variance are those of all rows, and so are their gradients."""
        if not self.training:
            return super().forward(input)
        values = input.float()
        count = values.new_full((1,), values.numel() / values.shape[1])
        sums = _Sum.apply(torch.cat([values.sum((0, 2, 3)), values.square().sum((0, 2, 3)), count]))
        total, squares, number = sums.split([values.shape[1], values.shape[1], 1])
        mean = total / number
        variance = squares / number - mean.square()
        self._remember(mean.detach(), variance.detach() * number / (number - 1).clamp(min=1))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        return (values * scale[:, None, None] + shift[:, None, None]).to(input.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        momentum = self.momentum or 0.0
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, momentum)
            self.running_var.lerp_(variance, momentum)
