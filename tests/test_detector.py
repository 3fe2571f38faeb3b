"""The detector: one score by eager module, script and file; the same whatever the light, the pose and the neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor

from snag.artifact import Artifact, load_artifact, save_artifact
from snag.scoring import local_mean
from tests.parts import draw_scene, good_bolt, good_picture
from tests.trained import SIZE, Trained
from training.autoencoder import BottleneckAutoencoder, NoWeight, ReferenceAutoencoder, WeightNetwork
from training.dataset import Split
from training.detector import FAILED_SCORE, Detector, fit_standardisation
from training.fit_preparation import Chosen, choose_preparation
from training.networks import Networks
from training.preparation import back_to_picture
from training.settings import train_settings
from training.survey import look
from training.train import Material, export

SMALL = (96, 96)


@cache
def chosen(mode: str) -> Chosen:
    looks = [look(good_picture(i, SMALL)) for i in range(16)]
    return choose_preparation(looks, mode=mode, colour="auto", pixels=2048, centre=0.5, spread=0.15)


@cache
def material(mode: str) -> Material:
    """Prepared bolts: 8 to fit, 6 to standardise."""
    prepared = torch.stack([chosen(mode).module(good_picture(i, SMALL))[0] for i in range(14)])
    return Material(prepared[:8], prepared[8:], chosen(mode), Split((), (), ()), "0" * 64)


def networks(*flags: str) -> tuple[Networks, list[str]]:
    """Networks with weights as drawn, but with statistics of their own in every BatchNorm: freezing folds them in."""
    wanted = ["--base", "4", "--bottleneck", "4", "--weight-base", "4", *flags]
    torch.manual_seed(3)
    made = Networks(train_settings(wanted), 1).train()
    with torch.no_grad():
        for _ in range(8):
            made(torch.rand(4, 1, 32, 64))
    return made.eval(), wanted


def detectors(mode: str, *flags: str) -> tuple[Detector, torch.jit.ScriptModule]:
    """The same detector as a module and as what is saved."""
    made, wanted = networks(*flags)
    settings = train_settings(wanted)
    eager = Detector(chosen(mode).module, made, settings.score, settings.window).eval()
    fit_standardisation(eager, material(mode).standardise)
    return eager, export(settings, made, material(mode))


KINDS = [
    ("aligned", ["--score", "weighted"]),
    ("aligned", ["--score", "weighted", "--members", "2"]),
    ("aligned", ["--score", "peak"]),
    ("aligned", ["--score", "mse"]),
    ("whole", ["--score", "weighted", "--window", "1"]),
    ("whole", ["--score", "mse", "--autoencoder", "reference"]),
]


@pytest.mark.parametrize(("mode", "flags"), KINDS)
def test_eager_scripted_and_reloaded_detectors_say_the_same(mode: str, flags: list[str], tmp_path: Path) -> None:
    """To float32 rounding, in every output, for pictures of several sizes and one that can't be aligned."""
    eager, script = detectors(mode, *flags)
    save_artifact(script, {"score_unit": "none"}, tmp_path / "snag.pt")
    pictures = [good_picture(40, SMALL), good_picture(41, (120, 90)).to(torch.uint8), torch.full((3, 50, 60), 90.0)]

    with torch.inference_mode():
        said = [one.score(pictures) for one in (eager, script, load_artifact(tmp_path / "snag.pt").script)]

    for other in said[1:]:
        for ours, theirs in zip(said[0][:6], other[:6], strict=True):
            torch.testing.assert_close(ours, theirs, rtol=2e-4, atol=2e-4)
        assert said[0][6] == other[6]


@pytest.mark.parametrize(("mode", "flags"), KINDS)
def test_a_pictures_score_does_not_depend_on_its_neighbours(mode: str, flags: list[str]) -> None:
    """Nor on its place in the batch, nor on a neighbour that can't be judged."""
    _, script = detectors(mode, *flags)
    pictures = [good_picture(i, SMALL) for i in range(50, 54)] + [torch.zeros(1, 40, 40)]

    with torch.inference_mode():
        together = script.score(pictures)
        backwards = script.score(pictures[::-1])
        alone = [script.score([picture]) for picture in pictures]

    for i in range(5):
        for kind in range(6):
            torch.testing.assert_close(together[kind][i], alone[i][kind][0], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(backwards[kind][4 - i], alone[i][kind][0], rtol=1e-4, atol=1e-5)
        assert together[6][i] == backwards[6][4 - i] == alone[i][6][0]


@pytest.mark.parametrize("mode", ["aligned", "whole"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_any_size_get_a_finite_score_and_a_map_of_their_size(mode: str, channels: int) -> None:
    _, script = detectors(mode)
    sizes = [(1, 1), (1, 300), (300, 1), (7, 5), (33, 400), (512, 384), (64, 64)]

    with torch.inference_mode():
        score, plain, maps, _, _, poses, _ = script.score([torch.rand(channels, *size) * 255 for size in sizes])
        laid = [script.map_in_picture(maps[i], poses[i], *size) for i, size in enumerate(sizes)]

    assert score.isfinite().all()
    assert plain.isfinite().all()
    assert [tuple(one.shape) for one in laid] == sizes
    assert all(bool(one.isfinite().all()) for one in laid)


def test_what_can_not_be_aligned_gets_the_failed_score_a_reason_and_a_finite_map() -> None:
    _, script = detectors("aligned")

    with torch.inference_mode():
        score, plain, maps, _, _, _, reasons = script.score([good_picture(0, SMALL), torch.full((1, *SMALL), 200.0)])

    assert reasons == ["", "not_aligned"]
    assert float(score[1]) == FAILED_SCORE == 1e6
    assert float(score[0]) < 1e5
    assert plain.isfinite().all()
    assert all(bool(one.isfinite().all()) for one in maps)


# --- the arithmetic ---------------------------------------------------------------------------------------------------------


class _Halving(torch.nn.Module):
    """Stands in for the networks: reconstructs half of each grey value; the logits are of the picture itself."""

    def forward(self, prepared: Tensor) -> tuple[Tensor, Tensor]:
        return 0.5 * prepared, 1.5 * prepared[:, 0]


def by_hand(kind: str, window: int = 3) -> Detector:
    return Detector(chosen("whole").module, _Halving(), kind, window).eval()


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


def test_on_the_picture_there_is_no_error_where_the_model_does_not_look() -> None:
    """The map lies where the part lies; beside it stands the least that an error of nought can come to."""
    eager, _ = detectors("aligned")
    with torch.inference_mode():
        _, _, maps, _, _, poses, _ = eager.score([good_picture(60, SMALL)])
        laid = eager.map_in_picture(maps[0], poses[0], *SMALL)
        inside = back_to_picture(torch.ones_like(maps[0]), poses[0], *SMALL)

    least = float((-eager.mean / eager.deviation).min())
    assert laid[inside == 0].unique().tolist() == pytest.approx([least], rel=1e-5)
    assert float(laid[inside == 1].min()) >= least
    assert float(laid.max()) == pytest.approx(float(maps[0].max()), rel=0.2)


def test_without_a_weight_network_the_logits_are_nought() -> None:
    shown = prepared()

    assert torch.equal(NoWeight()(shown, shown), torch.zeros(3, 8, 12))


# --- the networks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (32, 80), (64, 48)])
def test_networks_keep_shape_and_range(channels: int, size: tuple[int, int]) -> None:
    shown = torch.rand(2, channels, *size)

    bottleneck, reference = BottleneckAutoencoder(channels, 4, 4), ReferenceAutoencoder(channels)

    assert bottleneck(shown).shape == reference(shown).shape == shown.shape
    assert 0 <= float(reference(shown).detach().min()) <= float(reference(shown).detach().max()) <= 1
    assert WeightNetwork(channels, 4)(shown, shown).shape == (2, *size)


def test_the_weight_networks_loss_does_not_move_the_autoencoder() -> None:
    made, _ = networks()

    _, logits = made(torch.rand(2, 1, 32, 64))
    logits.sum().backward()

    for member in made.members:
        assert all(parameter.grad is None for parameter in member.autoencoder.parameters())
        assert all(parameter.grad is not None for parameter in member.weight.parameters())


def test_a_committee_says_the_mean_of_what_its_members_say() -> None:
    made, _ = networks("--members", "3")
    shown = torch.rand(2, 1, 32, 64)

    with torch.no_grad():
        reconstruction, logits = made(shown)
        each = [member(shown) for member in made.members]

    torch.testing.assert_close(reconstruction, sum(said[0] for said in each) / 3)
    torch.testing.assert_close(logits, sum(said[1] for said in each) / 3)
    assert not torch.allclose(each[0][0], each[1][0])


# --- a trained one: what must not move its score ----------------------------------------------------------------------------


@cache
def _scores_of(artifact: Path, name: str) -> Tensor:
    pictures = [CHANGES[name](index) for index in range(300, 312)]
    return torch.tensor([found.anomaly_score for found in load_artifact(artifact).score(pictures)])


@cache
def _moved(index: int, degrees: float, x: float = 0.0, y: float = 0.0) -> Tensor:
    bolt = good_bolt(index, SIZE)
    return draw_scene(SIZE, [replace(bolt, degrees=bolt.degrees + degrees, x=bolt.x + x, y=bolt.y + y)])


CHANGES: dict[str, Callable[[int], Tensor]] = {
    "": lambda index: _moved(index, 0),
    "gain 0.7": lambda index: 0.7 * _moved(index, 0),
    "gain 1.3": lambda index: 1.3 * _moved(index, 0),
    "offset +8": lambda index: _moved(index, 0) + 8,
    "offset -8": lambda index: _moved(index, 0) - 8,
    "gain and offset": lambda index: 1.2 * _moved(index, 0) - 6,
    "90 degrees": lambda index: _moved(index, 0).rot90(1, (1, 2)),
    "180 degrees": lambda index: _moved(index, 0).rot90(2, (1, 2)),
    "17 degrees": lambda index: _moved(index, 17),
    "45 degrees": lambda index: _moved(index, 45),
    "101 degrees": lambda index: _moved(index, 101),
    "197 degrees": lambda index: _moved(index, 197),
    "whole pixels": lambda index: _moved(index, 0, 3, -5),
    "half pixels": lambda index: _moved(index, 0, 3.5, -4.5),
}
#: How far a score may move, in standard deviations of the calibration scores: on average and at most. Pixels that are only
#: elsewhere move it not at all, an offset by what the uneven table makes of it, other pixels by how they fall on the edges.
MOVES = {
    "gain 0.7": (0.01, 0.02),
    "gain 1.3": (0.01, 0.02),
    "offset +8": (0.1, 0.3),
    "offset -8": (0.1, 0.3),
    "gain and offset": (0.1, 0.3),
    "90 degrees": (0.01, 0.02),
    "180 degrees": (0.01, 0.02),
    "17 degrees": (0.2, 0.8),
    "45 degrees": (0.2, 0.8),
    "101 degrees": (0.2, 0.8),
    "197 degrees": (0.2, 0.8),
    "whole pixels": (0.05, 0.2),
    "half pixels": (0.2, 0.8),
}


@pytest.mark.parametrize("name", MOVES)
def test_light_and_pose_move_the_score_by_a_small_part_of_its_calibrated_spread(bolts: Trained, name: str) -> None:
    moves = (_scores_of(bolts.artifact.path, name) - _scores_of(bolts.artifact.path, "")).abs() / bolts.spread

    mean, most = MOVES[name]
    print(f"{name}: mean {float(moves.mean()):.4f}, most {float(moves.max()):.4f} of the spread")
    assert float(moves.mean()) < mean
    assert float(moves.max()) < most


def scores(artifact: Artifact, pictures: list[Tensor]) -> list[float]:
    return [found.anomaly_score for found in artifact.score(pictures)]


def test_good_bolts_pass_and_marked_ones_do_not(bolts: Trained) -> None:
    """At most the share of false alarms that may be expected (one in ten; 5 of 20 would be three times in a thousand)."""
    good = scores(bolts.artifact, [good_picture(i, SIZE) for i in range(400, 420)])
    marked = scores(bolts.artifact, [good_picture(i, SIZE, mark=True) for i in range(420, 430)])

    assert sum(score > bolts.calibration.threshold for score in good) < 6
    assert all(score > bolts.calibration.threshold for score in marked)


def test_the_peak_lies_on_the_defect(bolts: Trained) -> None:
    for index in range(420, 424):
        bolt = good_bolt(index, SIZE, mark=True)
        angle = math.radians(bolt.degrees)
        u, v = -0.15 * bolt.length, 0.02 * bolt.length
        found = bolts.artifact.score([good_picture(index, SIZE, mark=True)])[0]

        laid = bolts.artifact.map_in_picture(found, *SIZE)

        y, x = divmod(int(laid.argmax()), SIZE[1])
        place = (bolt.y + math.sin(angle) * u + math.cos(angle) * v, bolt.x + math.cos(angle) * u - math.sin(angle) * v)
        assert math.dist((y + 0.5, x + 0.5), place) < 6


@pytest.mark.parametrize(
    "strange",
    {
        "empty": lambda: draw_scene(SIZE, [], noise_seed=0),
        "two": lambda: draw_scene(SIZE, [good_bolt(1, SIZE, y=80.0, degrees=0), good_bolt(2, SIZE, y=175.0, degrees=9)]),
        "cut off": lambda: draw_scene(SIZE, [good_bolt(1, SIZE, x=215.0, y=128.0, degrees=0.0)]),
        "small": lambda: draw_scene(SIZE, [good_bolt(1, SIZE, length=120.0)]),
        "noise": lambda: 128 + 40 * torch.randn(1, *SIZE, generator=torch.Generator().manual_seed(0)),
        "something else": lambda: draw_scene(SIZE, [good_bolt(1, SIZE, bright=True)]),
        "black": lambda: torch.zeros(1, *SIZE),
    }.items(),
    ids=lambda strange: strange[0],
)
def test_what_is_no_whole_part_scores_above_every_good_one(bolts: Trained, strange: tuple[str, Callable[[], Tensor]]) -> None:
    found = bolts.artifact.score([strange[1]()])[0]

    assert found.reason == "not_aligned"
    assert found.anomaly_score == FAILED_SCORE > bolts.calibration.scores[-1]
