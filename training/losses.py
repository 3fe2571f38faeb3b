"""What training minimises."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from snag.training.ssim_window import local_mean

#: SSIM's two constants at a range of 1.
_MEANS: Final = 0.01**2
_VARIANCES: Final = 0.03**2


class ReconstructionTarget:
    """A batch that networks are to make, with what SSIM needs to know of it: once, for however many members make it."""

    def __init__(self, pictures: Tensor) -> None:
        """`pictures` [N, C, h, w] of range 1, h and w at least 11."""
        self.pictures = pictures.contiguous()  # channels woven pixel by pixel would take four times as long here
        with torch.no_grad():
            self._mean = local_mean(self.pictures)
            self._variance = local_mean(self.pictures * self.pictures) - self._mean * self._mean

    def loss(self, reconstruction: Tensor, ssim_weight: float, mse_scale: float = 1.0) -> Tensor:
        """(1 - ssim_weight) * mse_scale * MSE + ssim_weight * (1 - SSIM), of a batch of the same shape.

        `mse_scale` evens out the two terms where grey values spread over less than their range.
        """
        made = reconstruction.contiguous()
        error = functional.mse_loss(made, self.pictures)
        return (1.0 - ssim_weight) * mse_scale * error + ssim_weight * (1.0 - self.similarity(made))

    def similarity(self, made: Tensor) -> Tensor:
        """Mean SSIM (Wang et al., IEEE TIP 13(4), 2004): windows that lie inside, 11 x 11 Gaussian.

        Equal to pytorch-msssim's `ssim`, its twin in the tests, and faster on a CPU: `benchmarks.ssim` prints by how much.
        """
        mean = local_mean(made)
        variance = local_mean(made * made) - mean * mean
        covariance = local_mean(made * self.pictures) - mean * self._mean
        shared = (2.0 * mean * self._mean + _MEANS) * (2.0 * covariance + _VARIANCES)
        whole = (mean * mean + self._mean * self._mean + _MEANS) * (variance + self._variance + _VARIANCES)
        return (shared / whole).mean()


def weight_loss(logits: Tensor, mask: Tensor, defective: float | None = None, pos_weight: float = 1.0) -> Tensor:
    """Binary cross-entropy plus Dice loss (Milletari et al., 3DV 2016); logits and 0/1 mask [N, h, w].

    Dice is averaged over the defective pictures: those of `mask`, or `defective` in number where a batch is shared out.
    `pos_weight` is how much a defective pixel counts in the entropy against a sound one.
    """
    entropy = functional.binary_cross_entropy_with_logits(
        logits, mask, pos_weight=None if pos_weight == 1.0 else logits.new_tensor(pos_weight)
    )
    chance = torch.sigmoid(logits)
    overlap = (chance * mask).sum((1, 2))
    dice = 1.0 - (2.0 * overlap + 1.0) / (chance.sum((1, 2)) + mask.sum((1, 2)) + 1.0)
    is_defective = (mask.amax((1, 2)) > 0).float()
    number = is_defective.sum().clamp(min=1.0) if defective is None else defective
    return entropy + (dice * is_defective).sum() / number
