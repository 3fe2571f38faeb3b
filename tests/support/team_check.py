"""Run by torchrun in two processes: does shared batch normalisation with added gradients what one process does? Prints JSON."""

from __future__ import annotations

import copy
import json

import torch
from torch import nn

from snag.training.run.process_group import ProcessGroup, process_group


def main() -> None:
    """Compare a step on a shared batch with the same step on all of it; the leading process prints the greatest differences."""
    with process_group(torch.device("cpu")) as members:
        torch.manual_seed(0)
        batch = torch.randn(7, 3, 6, 5)
        alone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 3), nn.BatchNorm2d(2))
        together = copy.deepcopy(alone)
        members.normalise_together(together)
        outputs = alone(batch)
        outputs.square().mean().backward()
        (mine,), share = members.share(batch)
        shared = together(mine)
        (share * shared.square().mean()).backward()
        members.add_gradients(together)
        if members.is_main:
            print(json.dumps({"team": members.size, **_differences(members, alone, together, outputs, shared)}))


def _differences(
    members: ProcessGroup, alone: nn.Module, together: nn.Module, outputs: torch.Tensor, shared: torch.Tensor
) -> dict[str, float]:
    rows = outputs.tensor_split(members.size)[members.rank]
    pairs = list(zip(alone.parameters(), together.parameters(), strict=True))
    buffers = list(zip(alone.buffers(), together.buffers(), strict=True))
    return {
        "outputs": float((rows - shared).abs().max()),
        "gradients": max(float((one.grad - other.grad).abs().max()) for one, other in pairs),
        "statistics": max(float((one - other).abs().max()) for one, other in buffers),
    }


if __name__ == "__main__":
    main()
