"""What training minimises, against the formulas written out."""

from __future__ import annotations

import math

import pytest
import torch
from pytorch_msssim import ssim

from snag.training.losses import ReconstructionTarget, weight_loss


def pictures(seed: int, channels: int = 1) -> torch.Tensor:
    return torch.rand(2, channels, 24, 32, generator=torch.Generator().manual_seed(seed))


def written_out_mse(a: torch.Tensor, b: torch.Tensor) -> float:
    differences = [(float(x) - float(y)) ** 2 for x, y in zip(a.flatten(), b.flatten(), strict=True)]
    return math.fsum(differences) / len(differences)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", [0.0, 0.84, 1.0])
def test_the_loss_is_the_weighted_sum_of_mse_and_one_minus_ssim(alpha: float, channels: int) -> None:
    a, b = pictures(1, channels), pictures(2, channels)
    similarity = float(ssim(a, b, data_range=1.0))

    loss = float(ReconstructionTarget(b).loss(a, alpha))

    assert loss == pytest.approx((1 - alpha) * written_out_mse(a, b) + alpha * (1 - similarity), rel=1e-5)


def test_the_error_scale_multiplies_the_mse_alone() -> None:
    a, b = pictures(1), pictures(2)

    difference = float(ReconstructionTarget(b).loss(a, 0.25, 3.0) - ReconstructionTarget(b).loss(a, 0.25, 1.0))

    assert difference == pytest.approx(0.75 * 2.0 * written_out_mse(a, b), rel=1e-4)


def test_how_pixels_lie_in_memory_has_no_say() -> None:
    a, b = pictures(1, 3), pictures(2, 3)
    woven = a.to(memory_format=torch.channels_last)

    assert ReconstructionTarget(b.to(memory_format=torch.channels_last)).loss(woven, 0.84) == ReconstructionTarget(b).loss(
        a, 0.84
    )


def test_a_perfect_reconstruction_costs_nothing() -> None:
    assert float(ReconstructionTarget(pictures(1)).loss(pictures(1), 0.84)) == pytest.approx(0, abs=1e-6)


def test_the_gradient_leads_to_the_target() -> None:
    target = pictures(1)
    guess = (0.5 * target + 0.25).requires_grad_()
    before = ReconstructionTarget(target).loss(guess, 0.84)

    before.backward()

    assert ReconstructionTarget(target).loss(guess.detach() - 0.1 * guess.grad, 0.84) < before


def test_the_weight_loss_is_cross_entropy_plus_dice_of_the_defective_pictures() -> None:
    """The second picture is good: it counts for the entropy, but has no overlap to ask for."""
    logits = torch.tensor([[[2.0, -1.0]], [[0.5, -3.0]]])
    mask = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]])
    chance = [1 / (1 + math.exp(-x)) for x in (2.0, -1.0, 0.5, -3.0)]
    entropy = -(math.log(chance[0]) + sum(math.log(1 - p) for p in chance[1:])) / 4
    dice = 1 - (2 * chance[0] + 1) / (chance[0] + chance[1] + 1 + 1)

    assert float(weight_loss(logits, mask)) == pytest.approx(entropy + dice, rel=1e-6)


def test_without_any_defect_the_weight_loss_is_the_entropy_alone() -> None:
    logits = torch.tensor([[[0.0, 0.0]]])

    assert float(weight_loss(logits, torch.zeros(1, 1, 2))) == pytest.approx(math.log(2))


def test_a_sure_and_right_map_costs_almost_nothing_and_a_sure_and_wrong_one_much() -> None:
    mask = torch.zeros(1, 8, 8)
    mask[0, 2:4, 2:4] = 1
    right = 40 * (mask - 0.5)

    assert float(weight_loss(right, mask)) < 1e-3
    assert float(weight_loss(-right, mask)) > 10


def test_a_defective_pixel_counts_as_much_in_the_entropy_as_is_asked_for() -> None:
    logits, mask = torch.tensor([[[1.0, -2.0]]]), torch.tensor([[[1.0, 0.0]]])

    more = float(weight_loss(logits, mask, pos_weight=5.0) - weight_loss(logits, mask))

    assert more == pytest.approx(4.0 * math.log1p(math.exp(-1.0)) / 2, rel=1e-5)
