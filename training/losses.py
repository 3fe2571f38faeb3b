"""What training minimises. Pure functions of tensors."""

from __future__ import annotations

import torch
from pytorch_msssim import ssim
from torch import Tensor
from torch.nn import functional


def reconstruction_loss(reconstruction: Tensor, target: Tensor, alpha: float, error_scale: float = 1.0) -> Tensor:
    """(1 - alpha) * error_scale * MSE + alpha * (1 - SSIM), the reference's loss; [N, C, h, w] twice.

    SSIM with an 11 x 11 Gaussian window, sigma 1.5 (Wang et al., IEEE TIP 13(4), 2004). `error_scale` evens out the two terms
    where grey values spread over less than their range.
    """
    error = functional.mse_loss(reconstruction, target)
    similarity = ssim(reconstruction, target, data_range=1.0, size_average=True)
    return (1.0 - alpha) * error_scale * error + alpha * (1.0 - similarity)


def weight_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Binary cross-entropy plus Dice loss (Milletari et al., 3DV 2016); logits and 0/1 mask [N, h, w]."""
    entropy = functional.binary_cross_entropy_with_logits(logits, mask)
    chance = torch.sigmoid(logits)
    overlap = (chance * mask).sum((1, 2))
    dice = 1.0 - (2.0 * overlap + 1.0) / (chance.sum((1, 2)) + mask.sum((1, 2)) + 1.0)
    defective = (mask.amax((1, 2)) > 0).float()
    return entropy + (dice * defective).sum() / defective.sum().clamp(min=1.0)
