"""The detector's arithmetic: error, weight, standardisation by place, peak; against slow twins."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import median

import pytest
import torch
from torch import Tensor

from snag.detector.detector import MEMORY_WEIGHT, Detector
from snag.detector.networks import NoWeight
from snag.detector.scoring import local_mean
from snag.training.fit.standardisation import LEAST_WEIGHT, MOST_WEIGHT, fit_standardisation, memory_weight
from snag.training.fit.usual import OUTLYING
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

    found = detector.score_prepared(shown)

    expected = (local_mean(0.25 * shown[:, 0] ** 2, 3) - 0.1) / 0.05
    torch.testing.assert_close(found.anomaly_map, expected)
    torch.testing.assert_close(found.score, expected.flatten(1).amax(1))
    torch.testing.assert_close(found.error, (0.25 * shown**2).mean((1, 2, 3)))
    assert torch.equal(found.error_map, found.anomaly_map)
    assert not found.memory_map.any()


def test_the_mse_score_is_the_plain_mean_squared_error_and_nothing_is_standardised() -> None:
    detector, shown = by_hand("mse"), prepared()
    fit_standardisation(detector, shown)

    found = detector.score_prepared(shown)

    assert torch.equal(found.score, found.error)
    torch.testing.assert_close(found.error, (0.25 * shown**2).mean((1, 2, 3)))
    torch.testing.assert_close(found.anomaly_map, local_mean(0.25 * shown[:, 0] ** 2, 3))


def slow_standardisation(detector: Detector, parts: Tensor, prior: float) -> tuple[list[list[float]], list[list[float]]]:
    """Twin of `fit_standardisation`, place by place."""
    maps = [detector.raw_maps(part[None]).raw[0].tolist() for part in parts]
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
    assert float(misled.score_prepared(marked[7:8]).score) > 0.5 * float(clean.score_prepared(marked[7:8]).score)


def test_parts_of_several_sizes_share_one_map_of_places_that_is_stretched_to_each() -> None:
    """Errors of the left half are twice those of the right half, in parts of any size."""
    detector = by_hand("peak", window=1)
    parts = [torch.cat([torch.full((1, h, w), t) for t in (0.4, 0.2)], 2) for h, w in [(8, 8), (8, 8), (16, 8), (8, 24)]]

    fit_standardisation(detector, parts, prior=0.0)
    maps = [detector.score_prepared(part[None]).anomaly_map[0] for part in parts]

    assert detector.mean.shape == (8, 16)
    assert [one.shape for one in maps] == [part.shape[1:] for part in parts]
    for one in maps:
        assert float(one[:, :4].abs().max()) < 1e-3
        assert float(one[:, -4:].abs().max()) < 1e-3


def test_parts_that_are_all_alike_are_no_division_by_zero() -> None:
    detector = by_hand("peak")

    fit_standardisation(detector, torch.full((4, 1, 8, 12), 0.5))

    assert detector.score_prepared(prepared()).score.isfinite().all()


# --- beside a memory --------------------------------------------------------------------------------------------------------


class _Darkness(torch.nn.Module):
    """Stands in for the memory: a place is farther than usual by how much darker than 0.5 its square of 8 is, `times` that."""

    def __init__(self, times: float = 10.0) -> None:
        super().__init__()
        self.times, self.banks = times, torch.nn.ModuleList()

    def forward(self, prepared: Tensor) -> Tensor:
        return self.times * (0.5 - torch.nn.functional.avg_pool2d(prepared, 8)[:, 0])

    def features(self, prepared: Tensor) -> list[Tensor]:
        return []


def remembering(times: float = 10.0, window: int = 3) -> Detector:
    return Detector(chosen("full_frame").module, _Halving(), "peak", window, _Darkness(times)).eval()  # type: ignore[arg-type]


def large(count: int = 2, seed: int = 0) -> Tensor:
    return torch.rand(count, 1, 32, 48, generator=torch.Generator().manual_seed(seed))


def test_beside_a_memory_the_networks_see_the_means_of_blocks_of_four_pixels() -> None:
    detector, shown = remembering(), large()

    seen = detector.view(shown)

    for number in range(2):
        for y in range(16):
            for x in range(24):
                block = [float(shown[number, 0, 2 * y + down, 2 * x + right]) for down in (0, 1) for right in (0, 1)]
                assert float(seen[number, 0, y, x]) == pytest.approx(math.fsum(block) / 4, abs=1e-6)
    assert torch.equal(detector(shown), 0.5 * seen)
    assert torch.equal(by_hand("peak").view(shown), shown)  # by themselves they see all there is


def test_what_the_memory_says_is_added_to_the_logarithm_of_the_error() -> None:
    detector, shown = remembering(), large()
    detector.mean, detector.deviation = torch.full((16, 24), 0.1), torch.full((16, 24), 0.05)
    detector.memory_weight, detector.error_weight = 0.7, 0.6

    found = detector.score_prepared(shown)

    error = ((local_mean(0.25 * detector.view(shown)[:, 0] ** 2, 3) - 0.1) / 0.05).clamp(min=0)
    farther = torch.nn.functional.interpolate(_Darkness()(shown)[:, None], [16, 24], mode="bilinear")[:, 0]
    torch.testing.assert_close(found.error_map, 0.6 * torch.log1p(error), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.memory_map, 0.7 * farther.clamp(min=0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.anomaly_map, torch.hypot(found.error_map, found.memory_map))
    assert torch.equal(found.score, found.anomaly_map.amax((1, 2)))
    torch.testing.assert_close(found.error, (0.25 * detector.view(shown) ** 2).mean((1, 2, 3)))


def test_less_than_usual_in_one_of_them_does_not_hide_what_the_other_finds() -> None:
    """Bright squares are nearer than usual to what the memory knows, dark ones have less error than usual."""
    detector, shown = remembering(), torch.full((1, 1, 32, 48), 0.5)
    shown[..., :16, :16], shown[..., 16:, 32:] = 1.0, 0.0
    detector.mean, detector.deviation = torch.full((16, 24), 0.0625), torch.full((16, 24), 0.01)

    found = detector.score_prepared(shown)

    assert float(found.memory_map[0, 0, 0]) == float(found.error_map[0, -1, -1]) == 0
    assert float(found.error_map[0, 0, 0]) == pytest.approx(math.log(1 + 0.1875 / 0.01))
    assert float(found.memory_map[0, -1, -1]) == pytest.approx(0.5 * 5.0)
    assert float(found.anomaly_map[0, 0, 0]) == pytest.approx(float(found.error_map[0, 0, 0]))
    assert float(found.anomaly_map[0, -1, -1]) == pytest.approx(float(found.memory_map[0, -1, -1]))


def test_the_memory_weighs_as_much_as_makes_both_add_the_same_to_good_parts_worst_places() -> None:
    detector, parts = remembering(20.0), large(9)

    fit_standardisation(detector, parts)

    errors, distances = [], []
    for part in parts:
        found = detector.score_prepared(part[None])
        errors.append(max(map(max, found.error_map[0].tolist())))
        distances.append(max(map(max, found.memory_map[0].tolist())) / detector.memory_weight)
    assert detector.memory_weight == pytest.approx(math.fsum(errors) / math.fsum(distances), rel=1e-4)
    assert LEAST_WEIGHT < detector.memory_weight < MOST_WEIGHT
    assert detector.memory_weight != MEMORY_WEIGHT
    assert memory_weight(detector, [*parts]) == pytest.approx(detector.memory_weight)  # whatever it was before


@pytest.mark.parametrize(("times", "weight"), [(1e4, LEAST_WEIGHT), (1e-3, MOST_WEIGHT), (0.0, MOST_WEIGHT)])
def test_a_memory_that_says_much_or_nothing_of_good_parts_weighs_within_limits(times: float, weight: float) -> None:
    detector = remembering(times)

    fit_standardisation(detector, large(5))

    assert detector.memory_weight == weight


def test_the_memorys_weight_is_found_by_some_of_many_parts_from_first_to_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snag.training.fit.standardisation.ENOUGH", 3)
    all_of_them, some = remembering(20.0), remembering(20.0)
    parts = large(8)

    fit_standardisation(all_of_them, parts)

    some.mean, some.deviation = all_of_them.mean, all_of_them.deviation
    assert all_of_them.memory_weight == pytest.approx(memory_weight(some, [parts[0], parts[3], parts[6]]))


def test_without_a_weight_network_the_logits_are_nought() -> None:
    shown = unshuffle(prepared())

    assert torch.equal(shuffle(NoWeight()(shown, shown))[:, 0], torch.zeros(3, 8, 12))
