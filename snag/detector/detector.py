"""The detector: preparation, autoencoder, weight, standardisation and score in one module: what gets scripted and served."""

# No `from __future__ import annotations` here: TorchScript can't read a buffer's type from a string.

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.detector.memory_bank import Memory
from snag.detector.preparation import back_to_picture, resized
from snag.detector.scoring import local_mean, peak, reconstruction_error, standardised

#: Score of a picture that can't be judged (its reason says why): above any real one, and still a number that JSON can carry.
FAILED_SCORE = 1e6
#: Robust standard deviations beyond which a good part's value is taken for a defect's; normal ones reach so far once in 16,000.
OUTLYING = 4.0
#: What a standard deviation of the features' distance adds to the logarithm of the error's.
DISTANCE_SHARE = 0.5
#: Side of the local mean over what is usual of distances, which are one to eight pixels.
DISTANCE_WINDOW = 3


class Detector(nn.Module):
    """Scores pictures. `score_kind` is "weighted", "peak" (of the plain error) or "mse" (its mean over the picture).

    With a memory, what is unlike all that ImageNet's features remember adds to the map. A logarithm brings the error's
    heavy tail down first: where both see a little, together it is much.
    """

    mean: Tensor  #: [h, w] (or [1, 1]): usual value of the raw map at each place
    deviation: Tensor  #: [h, w] (or [1, 1]): its standard deviation
    usual_distance: Tensor  #: [h/8, w/8] (or [1, 1]): usual distance to what is remembered
    distance_deviation: Tensor  #: [h/8, w/8] (or [1, 1]): its standard deviation

    def __init__(
        self, preparation: nn.Module, networks: nn.Module, score_kind: str, window: int, memory: Memory | None = None
    ) -> None:
        """`networks`: prepared pictures -> reconstruction and weight logits; `window`: side of the local mean, pixels."""
        super().__init__()
        self.preparation, self.networks = preparation, networks
        self.memory = memory
        self.score_kind, self.window, self.failed_score, self.share = score_kind, window, FAILED_SCORE, DISTANCE_SHARE
        for name in ("mean", "usual_distance"):
            self.register_buffer(name, torch.zeros(1, 1))
        for name in ("deviation", "distance_deviation"):
            self.register_buffer(name, torch.ones(1, 1))

    def forward(self, prepared: Tensor) -> Tensor:
        """The autoencoder alone: [N, c, h, w] -> reconstruction, the same shape."""
        return self.networks(prepared)[0]

    @torch.jit.export
    def prepare(self, picture: Tensor) -> tuple[Tensor, Tensor, str]:
        """One picture [C, H, W] -> prepared [c, h, w], pose [2, 3], reason; see `preparation`."""
        return self.preparation(picture)

    @torch.jit.export
    def prepare_like(self, picture: Tensor, other: Tensor) -> tuple[Tensor, Tensor, str]:
        """`prepare`, by what is measured on another picture: what it would be if exposure were not taken out."""
        return self.preparation(picture, other)

    @torch.jit.export
    def raw_maps(self, prepared: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[N, c, h, w] -> averaged map before standardisation [N, h, w], reconstruction, plain squared error [N, h, w]."""
        reconstruction, logits = self.networks(prepared)
        error = reconstruction_error(prepared, reconstruction)
        if self.score_kind == "weighted":
            # The weight grows with the evidence and never quite vanishes: where the weight network saw nothing, a large
            # error still counts. The root brings (weight² · error) back to grey values.
            weight = functional.softplus(logits + 8.0) / 8.0
            return local_mean(weight * torch.sqrt(error + 1e-8), self.window), reconstruction, error
        return local_mean(error, self.window), reconstruction, error

    @torch.jit.export
    def score_prepared(self, prepared: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """[N, c, h, w] -> anomaly score [N], plain MSE [N], anomaly map [N, h, w], reconstruction [N, c, h, w]."""
        raw, reconstruction, error = self.raw_maps(prepared)
        anomaly_map = raw
        if self.score_kind != "mse":  # whose map is as it is
            anomaly_map = standardised(raw, _fitted(self.mean, raw), _fitted(self.deviation, raw))
        if self.memory is not None:
            anomaly_map = torch.log1p(anomaly_map.clamp(min=0.0)) + self.share * self._unlikeness(
                self.memory(prepared), prepared
            )
        plain = error.flatten(1).mean(1)
        score = plain if self.score_kind == "mse" else peak(anomaly_map)
        return score, plain, anomaly_map, reconstruction

    def _unlikeness(self, distance: Tensor, prepared: Tensor) -> Tensor:
        """[N, h/8, w/8] of pictures [N, c, h, w] -> standard deviations farther than usual, 0 and more [N, h, w]."""
        usual, deviation = _fitted(self.usual_distance, distance), _fitted(self.distance_deviation, distance)
        farther = standardised(distance, usual, deviation)
        return resized(farther[:, None], prepared.shape[2], prepared.shape[3])[:, 0].clamp(min=0.0)

    @torch.jit.export
    def score(
        self, pictures: list[Tensor]
    ) -> tuple[Tensor, Tensor, list[Tensor], list[Tensor], list[Tensor], list[Tensor], list[str]]:
        """Pictures of any size -> score [N], MSE [N], and of each one its map, reconstruction, prepared picture, pose, reason.

        One after the other: working sizes may differ, neighbours have no say, and on a CPU a batch would gain nothing.
        """
        scores: list[Tensor] = []
        errors: list[Tensor] = []
        maps: list[Tensor] = []
        reconstructions: list[Tensor] = []
        prepared: list[Tensor] = []
        poses: list[Tensor] = []
        reasons: list[str] = []
        for picture in pictures:
            one, pose, reason = self.prepare(picture)
            score, plain, anomaly_map, reconstruction = self.score_prepared(one[None])
            scores.append(score if reason == "" else torch.full_like(score, self.failed_score))
            errors.append(plain)
            maps.append(anomaly_map[0])
            reconstructions.append(reconstruction[0])
            prepared.append(one)
            poses.append(pose)
            reasons.append(reason)
        return torch.cat(scores), torch.cat(errors), maps, reconstructions, prepared, poses, reasons

    @torch.jit.export
    def map_in_picture(self, anomaly_map: Tensor, pose: Tensor, height: int, width: int) -> Tensor:
        """Anomaly map [h, w] in the prepared pose -> [height, width] on the picture.

        Where the model does not look there is no error: as little as the calmest place can have.
        """
        least = torch.zeros_like(self.mean).min() if self.memory is not None else (-self.mean / self.deviation).min()
        return back_to_picture(anomaly_map - least, pose, height, width) + least


def _fitted(places: Tensor, raw: Tensor) -> Tensor:
    """A map of places [h, w] at the working size of raw maps [N, h', w']: itself, or [N, h', w'].

    Every step has an operand that only the picture knows: what follows from constants alone, freezing folds away sometimes in
    full and sometimes in part, and the same weights would make artefacts of different bytes.
    """
    count, height, width = raw.shape[0], raw.shape[1], raw.shape[2]
    if places.shape[0] == height and places.shape[1] == width:
        return places
    return resized(places.expand(count, 1, -1, -1), height, width)[:, 0]


def fit_standardisation(detector: Detector, prepared: Sequence[Tensor], prior: float = 16.0) -> None:
    """Set the detector's mean and deviation for each place from good parts [c, h, w] that training never saw.

    The same for distances, where there is a memory. Parts of several sizes meet at the most frequent one; for `prior` see
    `_usual`.
    """
    if detector.score_kind == "mse":
        return
    with torch.no_grad():
        maps = _of_one_size([detector.raw_maps(one[None].float())[0] for one in prepared])
        detector.mean, detector.deviation = _usual(maps, detector.window, prior)
        if detector.memory is not None:
            distances = _of_one_size([detector.memory(one[None].float()) for one in prepared])
            detector.usual_distance, detector.distance_deviation = _usual(distances, DISTANCE_WINDOW, prior)


def _of_one_size(maps: Sequence[Tensor]) -> Tensor:
    """[1, h, w] each -> [N, h, w] of the most frequent size."""
    (_, height, width), _ = Counter(tuple(one.shape) for one in maps).most_common(1)[0]
    return torch.cat([resized(one[:, None], height, width)[:, 0] for one in maps])


def _usual(maps: Tensor, window: int, prior: float) -> tuple[Tensor, Tensor]:
    """[N, h, w] of good parts -> mean and standard deviation of each place [h, w].

    Few parts say little of one place: the variance is shrunk towards that of all places as if `prior` more parts had been seen
    (a scaled inverse chi-square prior), and both maps are smoothed over one window. A defect that hides among the good parts
    must not make its place one where anything goes: values are clipped at OUTLYING robust deviations from the median of their
    place (winsorised; Huber, Robust Statistics, 1981, sec. 1.7).
    """
    maps = _clipped(maps, window)
    mean = local_mean(maps.mean(0, keepdim=True), window)[0]
    variance = local_mean((maps - mean).square().mean(0, keepdim=True), window)[0]
    count = len(maps)
    shrunk = (count * variance + prior * variance.mean()) / (count + prior)
    return mean, shrunk.sqrt().clamp(min=1e-6)


def _clipped(maps: Tensor, window: int) -> Tensor:
    """[N, h, w] -> the same, nothing further than OUTLYING robust deviations from the median of its place."""
    middle = maps.quantile(0.5, 0)
    spread = 1.4826 * local_mean((maps - middle).abs().quantile(0.5, 0, keepdim=True), window)[0]
    return middle + (maps - middle).clamp(-OUTLYING * spread, OUTLYING * spread)
