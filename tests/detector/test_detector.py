"""The detector: one score by eager module, script and file; the same whatever the neighbours. And its networks."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from snag.core.artifact import UNJUDGED_SCORE, load_artifact, save_artifact
from snag.detector.detector import ScoredPicture
from snag.detector.networks import BaselineAutoencoder, BottleneckAutoencoder, WeightNetwork
from snag.detector.preparation import back_to_picture
from snag.training.modes import MODES
from tests.support.detectors import SMALL, detectors, networks, shown
from tests.support.parts import good_picture
from tests.support.shuffled import shuffle, unshuffle

KINDS = [
    ("oriented_crop", ["--score", "weighted"]),
    ("oriented_crop", ["--score", "weighted", "--ensemble-size", "2"]),
    ("oriented_crop", ["--score", "peak"]),
    ("oriented_crop", ["--score", "mse"]),
    ("full_frame", ["--score", "weighted", "--window", "1"]),
    ("full_frame", ["--score", "mse", "--autoencoder", "baseline"]),
    *((mode, ["--features"]) for mode in MODES),
]


def assert_same(ours: ScoredPicture, theirs: ScoredPicture, *, rtol: float, atol: float) -> None:
    """In every output."""
    assert ours.reason == theirs.reason
    for name in ("score", "error", "anomaly_map", "error_map", "memory_map", "reconstruction", "prepared", "pose"):
        torch.testing.assert_close(getattr(ours, name), getattr(theirs, name), rtol=rtol, atol=atol)


@pytest.mark.parametrize(("mode", "flags"), KINDS)
def test_eager_scripted_and_reloaded_detectors_say_the_same(mode: str, flags: list[str], tmp_path: Path) -> None:
    """To float32 rounding, in every output, for pictures of several sizes and one that can't be aligned."""
    eager, script = detectors(mode, *flags)
    save_artifact(script, {"score_unit": "none"}, tmp_path / "snag.pt")
    pictures = [shown(mode, 18), good_picture(41, (120, 90)).to(torch.uint8), torch.full((3, 50, 60), 90.0)]

    with torch.inference_mode():
        said = [each.score(pictures) for each in (eager, script, load_artifact(tmp_path / "snag.pt").script)]

    for other in said[1:]:
        for ours, theirs in zip(said[0], other, strict=True):
            assert_same(ours, theirs, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize(("mode", "flags"), KINDS)
def test_a_pictures_score_does_not_depend_on_its_neighbours(mode: str, flags: list[str]) -> None:
    """Nor on its place in the batch, nor on a neighbour that can't be judged."""
    _, script = detectors(mode, *flags)
    pictures = [shown(mode, i) for i in range(14, 18)] + [torch.zeros(1, 40, 40)]

    with torch.inference_mode():
        together = script.score(pictures)
        backwards = script.score(pictures[::-1])
        alone = [script.score([picture]) for picture in pictures]

    for i, (by_itself,) in enumerate(alone):
        assert_same(together[i], by_itself, rtol=1e-4, atol=1e-5)
        assert_same(backwards[4 - i], by_itself, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["oriented_crop", "full_frame"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_any_size_get_a_finite_score_and_a_map_of_their_size(mode: str, channels: int) -> None:
    _, script = detectors(mode)
    sizes = [(1, 1), (1, 300), (300, 1), (7, 5), (33, 400), (512, 384), (64, 64)]

    with torch.inference_mode():
        found = script.score([torch.rand(channels, *size) * 255 for size in sizes])
        laid = [script.map_in_picture(each.anomaly_map, each.pose, *size) for each, size in zip(found, sizes, strict=True)]

    assert all(bool(each.score.isfinite()) and bool(each.error.isfinite()) for each in found)
    assert [tuple(each.shape) for each in laid] == sizes
    assert all(bool(each.isfinite().all()) for each in laid)


def test_what_can_not_be_aligned_has_a_reason_the_score_of_what_is_not_judged_and_a_finite_map(tmp_path: Path) -> None:
    _, script = detectors("oriented_crop")

    save_artifact(script, {"score_unit": "none"}, tmp_path / "snag.pt")

    good, even = load_artifact(tmp_path / "snag.pt").score([good_picture(0, SMALL), torch.full((1, *SMALL), 200.0)])

    assert (good.reason, even.reason) == (None, "not_aligned")
    assert even.anomaly_score == UNJUDGED_SCORE == 1e6
    assert good.anomaly_score < 1e5
    assert math.isfinite(even.reconstruction_error)
    assert even.anomaly_map.isfinite().all()


@pytest.mark.parametrize(("mode", "flags"), KINDS)
def test_the_map_is_the_root_of_the_sum_of_the_squares_of_what_networks_and_memory_find(mode: str, flags: list[str]) -> None:
    """Neither takes anything from the other; without a memory all is of the networks."""
    _, script = detectors(mode, *flags)
    with torch.inference_mode():
        prepared = script.prepare(shown(mode, 18)).picture.clone()
        chequered = prepared[:, prepared.shape[1] // 2 - 8 :, prepared.shape[2] // 2 - 8 :][:, :16, :16]
        chequered += (torch.arange(16)[:, None] // 4 + torch.arange(16)[None, :] // 4) % 2 - 0.5

        found, (whole,) = script.score_prepared(prepared[None]), script.score([shown(mode, 18)])

    assert whole.error_map.shape == whole.memory_map.shape == whole.prepared.shape[1:] == whole.reconstruction.shape[1:]
    if "--features" in flags:
        torch.testing.assert_close(found.anomaly_map, torch.hypot(found.error_map, found.memory_map))
        torch.testing.assert_close(whole.anomaly_map, torch.hypot(whole.error_map, whole.memory_map))
        assert float(found.error_map.min()) >= 0
        assert float(found.memory_map.min()) >= 0
        assert float(found.memory_map.max()) > 1
    else:
        assert not found.memory_map.any()
        assert torch.equal(found.anomaly_map, found.error_map)


def test_on_the_picture_there_is_nothing_of_networks_and_memory_where_they_do_not_look() -> None:
    eager, _ = detectors("oriented_crop", "--features")
    with torch.inference_mode():
        (found,) = eager.score([good_picture(60, SMALL)])
        laid = eager.map_in_picture(found.anomaly_map, found.pose, *SMALL)
        inside = back_to_picture(torch.ones_like(found.anomaly_map), found.pose, *SMALL)

    assert not laid[inside == 0].any()
    assert float(laid.max()) == pytest.approx(float(found.anomaly_map.max()), rel=0.3)


def test_on_the_picture_there_is_no_error_where_the_model_does_not_look() -> None:
    """The map lies where the part lies; beside it stands the least that an error of nought can come to."""
    eager, _ = detectors("oriented_crop")
    with torch.inference_mode():
        (found,) = eager.score([good_picture(60, SMALL)])
        laid = eager.map_in_picture(found.anomaly_map, found.pose, *SMALL)
        inside = back_to_picture(torch.ones_like(found.anomaly_map), found.pose, *SMALL)

    least = float((-eager.mean / eager.deviation).min())
    assert laid[inside == 0].unique().tolist() == pytest.approx([least], rel=1e-5)
    assert float(laid[inside == 1].min()) >= least
    assert float(laid.max()) == pytest.approx(float(found.anomaly_map.max()), rel=0.2)


# --- the networks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (32, 80), (64, 48)])
def test_networks_keep_shape_and_range(channels: int, size: tuple[int, int]) -> None:
    shown = unshuffle(torch.rand(2, channels, *size))

    bottleneck, reference = BottleneckAutoencoder(channels, 4, 4), BaselineAutoencoder(channels)

    assert shuffle(shown).shape == (2, channels, *size)
    assert bottleneck(shown).shape == reference(shown).shape == shown.shape
    assert 0 <= float(reference(shown).detach().min()) <= float(reference(shown).detach().max()) <= 1
    assert shuffle(WeightNetwork(channels, 4)(shown, shown)).shape == (2, 1, *size)


def test_the_weight_networks_loss_does_not_move_the_autoencoder() -> None:
    made, _ = networks()

    _, logits = made(torch.rand(2, 1, 32, 64))
    logits.sum().backward()

    for pair in made.pairs:
        assert all(parameter.grad is None for parameter in pair.autoencoder.parameters())
        assert all(parameter.grad is not None for parameter in pair.weight.parameters())


def test_an_ensemble_says_the_mean_of_what_its_pairs_say() -> None:
    made, _ = networks("--ensemble-size", "3")
    shown = torch.rand(2, 1, 32, 64)

    with torch.no_grad():
        reconstruction, logits = made(shown)
        each = [pair(unshuffle(shown)) for pair in made.pairs]

    torch.testing.assert_close(reconstruction, shuffle(sum(said[0] for said in each) / 3))
    torch.testing.assert_close(logits, shuffle(sum(said[1] for said in each) / 3)[:, 0])
    assert not torch.allclose(each[0][0], each[1][0])
