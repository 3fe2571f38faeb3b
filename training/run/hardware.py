"""The hardware of a training run: which device computes, and in which precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch

from snag.training.settings import TrainSettings


@dataclass(frozen=True)
class Hardware:
    """What a run computes on."""

    device: torch.device
    half: bool  #: in bfloat16 where it is safe to

    @classmethod
    def of(cls, settings: TrainSettings) -> Self:
        """As asked for; by itself a GPU where there is one, and bfloat16 where it pays.

        It pays on a GPU and on processors with matrix tiles; elsewhere it is slower than float32.
        """
        device = settings.device if settings.device != "auto" else ("cuda" if torch.cuda.is_available() else "cpu")
        fast = device == "cuda" or torch.cpu._is_amx_tile_supported()
        return cls(torch.device(device), settings.precision == "bfloat16" or (settings.precision == "auto" and fast))
