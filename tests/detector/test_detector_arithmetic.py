"""The detector's arithmetic: error, weight, standardisation by place, peak; against slow twins."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import median

import pytest
import torch
from torch import Tensor

from snag.detector.detector import Detector
from snag.detector.networks import NoWeight
from snag.detector.scoring import local_mean
from snag.training.fit.standardisation import OUTLYING, fit_standardisation
from tests.support.detectors import chosen
from tests.support.shuffled import shuffle, unshuffle


class _Halving(torch.nn.Module):
    """Stands in for the networks: reconstructs half of each grey value; the logits are of the picture itself."""

    def forward(self, prepared: Tensor) -> tuple[Tensor, Tensor]:
        return 0.5 * prepared, 1.5 * prepared[:, 0]


def by_hand(kind: str, window: int = 3) -> Detector:
    return Detector(chosen("full_frame").module, _Halving(), kind, window).eval()


def prepared(count: int = 3, channels: int = 1) -> Tensor:
    return torch.rand(count, channels, 8, 12, generator=torch.Generator().manual_seed(0))


def test_the_plain_map_is_the_locally_averaged_squared_error() -> None:
    shown = prepared(channels=3)

    raw, reconstruction, error = by_hand("peak").raw_maps(shown)

    assert torch.equal(reconstruction, 0.5 * shown)
    torch.testing.assert_close(error, (0.25 * shown**2).mean(1))
    torch.testing.assert_close(raw, local_mean(error, 3))


def test_the_weighted_map_is_the_root_of_the_error_times_the_learned_map_squared() -> None:
    shown = prepared()
    weight = torch.log1p(torch.exp(1.5 * shown[:, 0] + 8)) / 8  # nearly 1 at a logit of 0, never 0

    raw, _, error = by_hand("weighted").raw_maps(shown)

    torch.testing.assert_close(error, 0.25 * shown[:, 0] ** 2)
    torch.testing.assert_close(raw, local_mean((weight**2 * error).sqrt(), 3), rtol=1e-4, atol=1e-4)


def test_the_score_is_the_peak_of_the_standardised_map() -> None:
    detector, shown = by_hand("peak"), prepared()
    detector.mean, detector.deviation = torch.full((8, 12), 0.1), torch.full((8, 12), 0.05)

    score, plain, anomaly_map, _ = detector.score_prepared(shown)

    expected = (local_mean(0.25 * shown[:, 0] ** 2, 3) - 0.1) / 0.05
    torch.testing.assert_close(anomaly_map, expected)
    torch.testing.assert_close(score, expected.flatten(1).amax(1))
    torch.testing.assert_close(plain, (0.25 * shown**2).mean((1, 2, 3)))


def test_the_mse_score_is_the_plain_mean_squared_error_and_nothing_is_standardised() -> None:
    detector, shown = by_hand("mse"), prepared()
    fit_standardisation(detector, shown)

    score, plain, anomaly_map, _ = detector.score_prepared(shown)

    assert torch.equal(score, plain)
    torch.testing.assert_close(plain, (0.25 * shown**2).mean((1, 2, 3)))
    torch.testing.assert_close(anomaly_map, local_mean(0.25 * shown[:, 0] ** 2, 3))


def slow_standardisation(detector: Detector, parts: Tensor, prior: float) -> tuple[list[list[float]], list[list[float]]]:
    """Twin of `fit_standardisation`, place by place."""
    maps = [detector.raw_maps(part[None])[0][0].tolist() for part in parts]
    count, height, width = len(maps), len(maps[0]), len(maps[0][0])
    reach = detector.window // 2

    def smoothed(values: list[list[float]], y: int, x: int) -> float:
        near = [
            values[j][i]
            for j in range(max(0, y - reach), min(height, y + reach + 1))
            for i in range(max(0, x - reach), min(width, x + reach + 1))
        ]
        return math.fsum(near) / len(near)

    def at_each(value: Callable[[int, int], float]) -> list[list[float]]:
        return [[value(y, x) for x in range(width)] for y in range(height)]

    middle = at_each(lambda y, x: median(one[y][x] for one in maps))
    distances = at_each(lambda y, x: median(abs(one[y][x] - middle[y][x]) for one in maps))
    reach_of = at_each(lambda y, x: OUTLYING * 1.4826 * smoothed(distances, y, x))

    def clipped(one: list[list[float]], y: int, x: int) -> float:
        return min(max(one[y][x], middle[y][x] - reach_of[y][x]), middle[y][x] + reach_of[y][x])

    maps = [[[clipped(one, y, x) for x in range(width)] for y in range(height)] for one in maps]
    means = at_each(lambda y, x: math.fsum(one[y][x] for one in maps) / count)
    mean = at_each(lambda y, x: smoothed(means, y, x))
    squares = at_each(lambda y, x: math.fsum((one[y][x] - mean[y][x]) ** 2 for one in maps) / count)
    variance = at_each(lambda y, x: smoothed(squares, y, x))
    overall = math.fsum(map(math.fsum, variance)) / (height * width)
    return mean, at_each(lambda y, x: ((count * variance[y][x] + prior * overall) / (count + prior)) ** 0.5)


@pytest.mark.parametrize("kind", ["peak", "weighted"])
@pytest.mark.parametrize("count", [1, 5, 9])
def test_standardisation_is_the_shrunk_mean_and_deviation_of_each_place(kind: str, count: int) -> None:
    detector, parts = by_hand(kind), prepared(count)

    fit_standardisation(detector, parts, prior=4.0)

    mean, deviation = slow_standardisation(by_hand(kind), parts, 4.0)
    torch.testing.assert_close(detector.mean, torch.tensor(mean), rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(detector.deviation, torch.tensor(deviation), rtol=1e-4, atol=1e-7)


def test_a_defect_that_hides_among_the_good_parts_does_not_excuse_its_place() -> None:
    """One of twenty parts has it: the place's deviation hardly grows, and the same defect stands out afterwards."""
    parts = prepared(20)
    marked = parts.clone()
    marked[7, :, 3:5, 4:7] += 20.0
    clean, misled = by_hand("peak"), by_hand("peak")

    fit_standardisation(clean, parts)
    fit_standardisation(misled, marked)

    assert float(misled.deviation[3, 5]) < 2.0 * float(clean.deviation[3, 5])
    assert float(misled.score_prepared(marked[7:8])[0]) > 0.5 * float(clean.score_prepared(marked[7:8])[0])


def test_parts_of_several_sizes_share_one_map_of_places_that_is_stretched_to_each() -> None:
    """Errors of the left half are twice those of the right half, in parts of any size."""
    detector = by_hand("peak", window=1)
    parts = [torch.cat([torch.full((1, h, w), t) for t in (0.4, 0.2)], 2) for h, w in [(8, 8), (8, 8), (16, 8), (8, 24)]]

    fit_standardisation(detector, parts, prior=0.0)
    maps = [detector.score_prepared(part[None])[2][0] for part in parts]

    assert detector.mean.shape == (8, 16)
    assert [one.shape for one in maps] == [part.shape[1:] for part in parts]
    for one in maps:
        assert float(one[:, :4].abs().max()) < 1e-3
        assert float(one[:, -4:].abs().max()) < 1e-3


def test_parts_that_are_all_alike_are_no_division_by_zero() -> None:
    detector = by_hand("peak")

    fit_standardisation(detector, torch.full((4, 1, 8, 12), 0.5))

    assert detector.score_prepared(prepared())[0].isfinite().all()


class _Darkness(torch.nn.Module):
    """Stands in for the memory: the distance of a place is how dark its square of 8 is."""

    def forward(self, prepared: Tensor) -> Tensor:
        return 1.0 - torch.nn.functional.avg_pool2d(prepared, 8)[:, 0]


def test_with_a_memory_half_the_distance_is_added_to_the_logarithm_of_the_error() -> None:
    detector, shown = Detector(chosen("full_frame").module, _Halving(), "peak", 3, _Darkness()).eval(), torch.rand(2, 1, 16, 24)  # type: ignore[arg-type]
    detector.mean, detector.deviation = torch.full((16, 24), 0.1), torch.full((16, 24), 0.05)
    detector.usual_distance, detector.distance_deviation = torch.full((2, 3), 0.48), torch.full((2, 3), 0.1)

    score, _, anomaly_map, _ = detector.score_prepared(shown)

    error = ((local_mean(0.25 * shown[:, 0] ** 2, 3) - 0.1) / 0.05).clamp(min=0)
    farther = (_Darkness()(shown) - 0.48) / 0.1
    large = torch.nn.functional.interpolate(farther[:, None], [16, 24], mode="bilinear")[:, 0]
    torch.testing.assert_close(anomaly_map, torch.log1p(error) + 0.5 * large.clamp(min=0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(score, anomaly_map.amax((1, 2)))


def test_what_is_usual_of_distances_is_fitted_to_the_same_parts() -> None:
    detector = Detector(chosen("full_frame").module, _Halving(), "peak", 3, _Darkness()).eval()  # type: ignore[arg-type]
    surface = 0.1 * torch.rand(1, 32, 40, generator=torch.Generator().manual_seed(0))
    parts = torch.stack(
        [surface + 0.1 * shade for shade in range(5)]
    )  # evenly apart: no value lies so far out that it is clipped

    fit_standardisation(detector, parts, prior=0.0)

    distances = torch.cat([_Darkness()(part[None]) for part in parts])
    torch.testing.assert_close(detector.usual_distance, local_mean(distances.mean(0, keepdim=True), 3)[0])
    assert detector.distance_deviation.shape == (4, 5)


def test_without_a_weight_network_the_logits_are_nought() -> None:
    shown = unshuffle(prepared())

    assert torch.equal(shuffle(NoWeight()(shown, shown))[:, 0], torch.zeros(3, 8, 12))
