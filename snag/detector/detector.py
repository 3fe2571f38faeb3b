"""The detector: preparation, networks, map, standardisation and score in one module: what gets scripted and served."""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.detector.geometry import block_means
from snag.detector.memory import FINER, Memory
from snag.detector.memory_bank import fitted
from snag.detector.preparation import Prepared, back_to_picture, resized
from snag.detector.scoring import local_mean, peak, reconstruction_error, standardised

#: What a standard deviation of the memory's distance counts beside the logarithm of the error's, until it is fitted.
MEMORY_WEIGHT: Final = 0.5


class Maps(NamedTuple):
    """What the networks make of prepared pictures, before standardisation."""

    raw: Tensor  #: [N, h, w]: averaged, weighted error
    reconstruction: Tensor  #: [N, c, h, w]
    error: Tensor  #: [N, h, w]: plain squared error


class BatchScores(NamedTuple):
    """What is said of prepared pictures."""

    score: Tensor  #: [N]
    error: Tensor  #: [N]: plain mean squared error
    anomaly_map: Tensor  #: [N, h, w]: the root of the sum of the squares of both below
    error_map: Tensor  #: [N, h, w]: what the networks find
    memory_map: Tensor  #: [N, h, w]: what the memory finds; 0 where there is none
    reconstruction: Tensor  #: [N, c, h, w]
    view: Tensor  #: [N, c, h, w]: what was reconstructed


class ScoredPicture(NamedTuple):
    """What is said of one picture, and what it was said of."""

    score: Tensor  #: []
    error: Tensor  #: []: plain mean squared error
    anomaly_map: Tensor  #: [h, w]: the root of the sum of the squares of both below
    error_map: Tensor  #: [h, w]: what the networks find
    memory_map: Tensor  #: [h, w]: what the memory finds; 0 where there is none
    reconstruction: Tensor  #: [c, h, w]
    prepared: Tensor  #: [c, h, w]: as the networks see it
    pose: Tensor  #: [2, 3]
    reason: str  #: "", or why the score means nothing


class Detector(nn.Module):
    """Scores pictures. `score_kind` is "weighted", "peak" (of the plain error) or "mse" (its mean over the picture).

    With a memory, what is unlike all that it remembers counts as well: the map is the root of the sum of both squares. Where
    both find a little, together it is more, and one that finds nothing takes next to nothing from the other. A logarithm brings
    the error's heavy tail down first; networks that learnt little weigh less (`training/fit/error_weight.py`). The memory sees
    prepared pictures as they are, the networks a smaller view.
    """

    mean: Tensor  #: [h, w] (or [1, 1]): usual value of the raw map at each place
    deviation: Tensor  #: [h, w] (or [1, 1]): its standard deviation

    def __init__(
        self, preparation: nn.Module, networks: nn.Module, score_kind: str, window: int, memory: Memory | None = None
    ) -> None:
        """`networks`: views of pictures -> reconstruction and weight logits; `window`: side of the local mean, pixels.

        With a memory, `preparation` makes pictures of FINER times the networks' side.
        """
        super().__init__()
        self.preparation, self.networks = preparation, networks
        self.memory = memory
        self.finer = 1 if memory is None else FINER
        self.score_kind, self.window = score_kind, window
        self.memory_weight, self.error_weight = MEMORY_WEIGHT, 1.0
        self.register_buffer("mean", torch.zeros(1, 1))
        self.register_buffer("deviation", torch.ones(1, 1))

    def forward(self, prepared: Tensor) -> Tensor:
        """The autoencoder alone: [N, c, H, W] -> reconstruction [N, c, h, w], as large as the networks' view."""
        return self.networks(self.view(prepared))[0]

    @torch.jit.export
    def view(self, prepared: Tensor) -> Tensor:
        """What the networks see of prepared pictures [N, c, H, W]: [N, c, h, w]."""
        if self.finer == 1:
            return prepared
        views: list[Tensor] = []
        for picture in prepared:
            views.append(block_means(picture, self.finer))
        return torch.stack(views)

    @torch.jit.export
    def prepare(self, picture: Tensor) -> Prepared:
        """One picture [C, H, W] as memory and networks look at it, the latter at its `view`; see `preparation`."""
        return self.preparation(picture)

    @torch.jit.export
    def prepare_like(self, picture: Tensor, other: Tensor) -> Prepared:
        """`prepare`, by what is measured on another picture: what it would be if exposure were not taken out."""
        return self.preparation(picture, other)

    @torch.jit.export
    def raw_maps(self, view: Tensor) -> Maps:
        """Of the networks' view of pictures [N, c, h, w]."""
        reconstruction, logits = self.networks(view)
        error = reconstruction_error(view, reconstruction)
        if self.score_kind == "weighted":
            # The weight grows with the evidence and never quite vanishes: where the weight network saw nothing, a large
            # error still counts. The root brings (weight² · error) back to grey values.
            weight = functional.softplus(logits + 8.0) / 8.0
            return Maps(local_mean(weight * torch.sqrt(error + 1e-8), self.window), reconstruction, error)
        return Maps(local_mean(error, self.window), reconstruction, error)

    @torch.jit.export
    def score_prepared(self, prepared: Tensor) -> BatchScores:
        """Of prepared pictures [N, c, H, W]."""
        view = self.view(prepared)
        maps = self.raw_maps(view)
        error_map, memory_map = maps.raw, torch.zeros_like(maps.raw)
        if self.score_kind != "mse":  # whose map is as it is
            error_map = standardised(maps.raw, fitted(self.mean, maps.raw), fitted(self.deviation, maps.raw))
        anomaly_map = error_map
        if self.memory is not None:
            distance = resized(self.memory(prepared)[:, None], error_map.shape[1], error_map.shape[2])[:, 0]
            # Less than usual counts as usual: what one of them finds shall not be hidden by the other.
            error_map = self.error_weight * torch.log1p(error_map.clamp(min=0.0))
            memory_map = self.memory_weight * distance.clamp(min=0.0)
            anomaly_map = torch.sqrt(error_map.square() + memory_map.square())
        plain = maps.error.flatten(1).mean(1)
        score = plain if self.score_kind == "mse" else peak(anomaly_map)
        return BatchScores(score, plain, anomaly_map, error_map, memory_map, maps.reconstruction, view)

    @torch.jit.export
    def score(self, pictures: list[Tensor]) -> list[ScoredPicture]:
        """Of pictures [C, H, W] of any size.

        One after the other: working sizes may differ, neighbours have no say, and on a CPU a batch would gain nothing.
        """
        scored: list[ScoredPicture] = []
        for picture in pictures:
            prepared = self.prepare(picture)
            found = self.score_prepared(prepared.picture[None])
            scored.append(
                ScoredPicture(
                    found.score[0],
                    found.error[0],
                    found.anomaly_map[0],
                    found.error_map[0],
                    found.memory_map[0],
                    found.reconstruction[0],
                    found.view[0],
                    prepared.pose,
                    prepared.reason,
                )
            )
        return scored

    @torch.jit.export
    def map_in_picture(self, anomaly_map: Tensor, pose: Tensor, height: int, width: int) -> Tensor:
        """Anomaly map [h, w] in the prepared pose -> [height, width] on the picture.

        Where the model does not look there is no error: as little as the calmest place can have.
        """
        least = torch.zeros_like(self.mean).min() if self.memory is not None else (-self.mean / self.deviation).min()
        return back_to_picture(anomaly_map - least, pose, height, width) + least
