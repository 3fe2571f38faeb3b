"""The detector: one score by eager module, script and file; the same whatever the neighbours. And its networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from snag.core.artifact import load_artifact, save_artifact
from snag.detector.detector import FAILED_SCORE
from snag.detector.networks import BottleneckAutoencoder, ReferenceAutoencoder, WeightNetwork, fold, unfold
from snag.detector.preparation import back_to_picture
from tests.support.detectors import SMALL, detectors, networks
from tests.support.parts import good_picture

KINDS = [
    ("aligned", ["--score", "weighted"]),
    ("aligned", ["--score", "weighted", "--members", "2"]),
    ("aligned", ["--score", "peak"]),
    ("aligned", ["--score", "mse"]),
    ("whole", ["--score", "weighted", "--window", "1"]),
    ("whole", ["--score", "mse", "--autoencoder", "reference"]),
    ("aligned", ["--features"]),
    ("whole", ["--features"]),
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


# --- the networks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (32, 80), (64, 48)])
def test_networks_keep_shape_and_range(channels: int, size: tuple[int, int]) -> None:
    shown = fold(torch.rand(2, channels, *size))

    bottleneck, reference = BottleneckAutoencoder(channels, 4, 4), ReferenceAutoencoder(channels)

    assert unfold(shown).shape == (2, channels, *size)
    assert bottleneck(shown).shape == reference(shown).shape == shown.shape
    assert 0 <= float(reference(shown).detach().min()) <= float(reference(shown).detach().max()) <= 1
    assert unfold(WeightNetwork(channels, 4)(shown, shown)).shape == (2, 1, *size)


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
        each = [member(fold(shown)) for member in made.members]

    torch.testing.assert_close(reconstruction, unfold(sum(said[0] for said in each) / 3))
    torch.testing.assert_close(logits, unfold(sum(said[1] for said in each) / 3)[:, 0])
    assert not torch.allclose(each[0][0], each[1][0])
