"""The detector: preparation, networks, map, standardisation and score in one module: what gets scripted and served."""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.detector.memory_bank import MemoryBank
from snag.detector.preparation import Prepared, back_to_picture, resized
from snag.detector.scoring import local_mean, peak, reconstruction_error, standardised

#: What a standard deviation of the features' distance adds to the logarithm of the error's.
DISTANCE_SHARE: Final = 0.5


class Maps(NamedTuple):
    """What the networks make of prepared pictures, before standardisation."""

    raw: Tensor  #: [N, h, w]: averaged, weighted error
    reconstruction: Tensor  #: [N, c, h, w]
    error: Tensor  #: [N, h, w]: plain squared error


class BatchScores(NamedTuple):
    """What is said of prepared pictures."""

    score: Tensor  #: [N]
    error: Tensor  #: [N]: plain mean squared error
    anomaly_map: Tensor  #: [N, h, w]
    reconstruction: Tensor  #: [N, c, h, w]


class ScoredPicture(NamedTuple):
    """What is said of one picture, and what it was said of."""

    score: Tensor  #: []
    error: Tensor  #: []: plain mean squared error
    anomaly_map: Tensor  #: [h, w]
    reconstruction: Tensor  #: [c, h, w]
    prepared: Tensor  #: [c, h, w]
    pose: Tensor  #: [2, 3]
    reason: str  #: "", or why the score means nothing


class Detector(nn.Module):
    """Scores pictures. `score_kind` is "weighted", "peak" (of the plain error) or "mse" (its mean over the picture).

    With a memory bank, what is unlike all that ImageNet's features remember adds to the map. A logarithm brings the error's
    heavy tail down first: where both see a little, together it is much.
    """

    mean: Tensor  #: [h, w] (or [1, 1]): usual value of the raw map at each place
    deviation: Tensor  #: [h, w] (or [1, 1]): its standard deviation
    usual_distance: Tensor  #: [h/8, w/8] (or [1, 1]): usual distance to what is remembered
    distance_deviation: Tensor  #: [h/8, w/8] (or [1, 1]): its standard deviation

    def __init__(
        self, preparation: nn.Module, networks: nn.Module, score_kind: str, window: int, memory: MemoryBank | None = None
    ) -> None:
        """`networks`: prepared pictures -> reconstruction and weight logits; `window`: side of the local mean, pixels."""
        super().__init__()
        self.preparation, self.networks = preparation, networks
        self.memory = memory
        self.score_kind, self.window, self.share = score_kind, window, DISTANCE_SHARE
        for name in ("mean", "usual_distance"):
            self.register_buffer(name, torch.zeros(1, 1))
        for name in ("deviation", "distance_deviation"):
            self.register_buffer(name, torch.ones(1, 1))

    def forward(self, prepared: Tensor) -> Tensor:
        """The autoencoder alone: [N, c, h, w] -> reconstruction, the same shape."""
        return self.networks(prepared)[0]

    @torch.jit.export
    def prepare(self, picture: Tensor) -> Prepared:
        """One picture [C, H, W] as the networks see it; see `preparation`."""
        return self.preparation(picture)

    @torch.jit.export
    def prepare_like(self, picture: Tensor, other: Tensor) -> Prepared:
        """`prepare`, by what is measured on another picture: what it would be if exposure were not taken out."""
        return self.preparation(picture, other)

    @torch.jit.export
    def raw_maps(self, prepared: Tensor) -> Maps:
        """Of prepared pictures [N, c, h, w]."""
        reconstruction, logits = self.networks(prepared)
        error = reconstruction_error(prepared, reconstruction)
        if self.score_kind == "weighted":
            # The weight grows with the evidence and never quite vanishes: where the weight network saw nothing, a large
            # error still counts. The root brings (weight² · error) back to grey values.
            weight = functional.softplus(logits + 8.0) / 8.0
            return Maps(local_mean(weight * torch.sqrt(error + 1e-8), self.window), reconstruction, error)
        return Maps(local_mean(error, self.window), reconstruction, error)

    @torch.jit.export
    def score_prepared(self, prepared: Tensor) -> BatchScores:
        """Of prepared pictures [N, c, h, w]."""
        maps = self.raw_maps(prepared)
        anomaly_map = maps.raw
        if self.score_kind != "mse":  # whose map is as it is
            anomaly_map = standardised(maps.raw, _fitted(self.mean, maps.raw), _fitted(self.deviation, maps.raw))
        if self.memory is not None:
            anomaly_map = torch.log1p(anomaly_map.clamp(min=0.0)) + self.share * self._unlikeness(
                self.memory(prepared), prepared
            )
        plain = maps.error.flatten(1).mean(1)
        score = plain if self.score_kind == "mse" else peak(anomaly_map)
        return BatchScores(score, plain, anomaly_map, maps.reconstruction)

    def _unlikeness(self, distance: Tensor, prepared: Tensor) -> Tensor:
        """[N, h/8, w/8] of pictures [N, c, h, w] -> standard deviations farther than usual, 0 and more [N, h, w]."""
        usual, deviation = _fitted(self.usual_distance, distance), _fitted(self.distance_deviation, distance)
        farther = standardised(distance, usual, deviation)
        return resized(farther[:, None], prepared.shape[2], prepared.shape[3])[:, 0].clamp(min=0.0)

    @torch.jit.export
    def score(self, pictures: list[Tensor]) -> list[ScoredPicture]:
        """Of pictures [C, H, W] of any size.

        One after the other: working sizes may differ, neighbours have no say, and on a CPU a batch would gain nothing.
        """
        scored: list[ScoredPicture] = []
        for picture in pictures:
            view = self.prepare(picture)
            found = self.score_prepared(view.picture[None])
            scored.append(
                ScoredPicture(
                    found.score[0],
                    found.error[0],
                    found.anomaly_map[0],
                    found.reconstruction[0],
                    view.picture,
                    view.pose,
                    view.reason,
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


def _fitted(places: Tensor, raw: Tensor) -> Tensor:
    """A map of places [h, w] at the working size of raw maps [N, h', w']: itself, or [N, h', w'].

    Every step has an operand that only the picture knows, for equal bytes: see the head of this package.
    """
    count, height, width = raw.shape[0], raw.shape[1], raw.shape[2]
    if places.shape[0] == height and places.shape[1] == width:
        return places
    return resized(places.expand(count, 1, -1, -1), height, width)[:, 0]
