"""What training minimises. Pure functions of tensors."""

from __future__ import annotations

from functools import cache
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

#: SSIM's window (side in pixels, sigma) and its two constants at a range of 1.
_SIDE: Final = 11
_SIGMA: Final = 1.5
_MEANS: Final = 0.01**2
_VARIANCES: Final = 0.03**2
#: Say of all defective places together against all sound ones.
DEFECTIVE_WEIGHT: Final = 0.25


def reconstruction_loss(reconstruction: Tensor, target: Tensor, alpha: float, error_scale: float = 1.0) -> Tensor:
    """(1 - alpha) * error_scale * MSE + alpha * (1 - SSIM), the reference's loss; [N, C, h, w] twice.

    `error_scale` evens out the two terms where grey values spread over less than their range.
    """
    error = functional.mse_loss(reconstruction, target)
    return (1.0 - alpha) * error_scale * error + alpha * (1.0 - similarity(reconstruction, target))


def similarity(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Mean SSIM of two batches [N, C, h, w] of range 1, h and w at least 11: windows that lie inside, 11 x 11 Gaussian.

    Wang et al., IEEE TIP 13(4), 2004. The window slides as two products with band matrices: on a CPU, forward and back, that
    takes a fifth of what convolutions with one channel take, and those took half of the training.
    """
    rows, columns = _sliding(target.shape[2], target.device), _sliding(target.shape[3], target.device).t()

    def local(values: Tensor) -> Tensor:
        return rows @ (values @ columns)

    with torch.no_grad():
        target_mean = local(target)
        target_variance = local(target * target) - target_mean * target_mean
    mean = local(reconstruction)
    variance = local(reconstruction * reconstruction) - mean * mean
    covariance = local(reconstruction * target) - mean * target_mean
    luminance = (2.0 * mean * target_mean + _MEANS) / (mean * mean + target_mean * target_mean + _MEANS)
    return (luminance * (2.0 * covariance + _VARIANCES) / (variance + target_variance + _VARIANCES)).mean()


@cache
def _sliding(length: int, device: torch.device) -> Tensor:
    """[length - 10, length]: the Gaussian window at each place where it lies inside."""
    distance = torch.arange(_SIDE, dtype=torch.float32) - _SIDE // 2
    window = torch.exp(-(distance**2) / (2.0 * _SIGMA**2))
    band = torch.zeros(length - _SIDE + 1, length)
    for offset, share in enumerate((window / window.sum()).tolist()):
        band.diagonal(offset).fill_(share)
    return band.to(device)


def weight_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Binary cross-entropy plus Dice loss (Milletari et al., 3DV 2016); logits and 0/1 mask [N, h, w].

    The entropy is the mean over sound places plus a quarter of that over defective ones: one place in a hundred is
    defective, and with a plain mean the network long says "sound" everywhere.
    """
    each = functional.binary_cross_entropy_with_logits(logits, mask, reduction="none")
    entropy = (each * (1.0 - mask)).sum() / (1.0 - mask).sum().clamp(min=1.0)
    entropy = entropy + DEFECTIVE_WEIGHT * (each * mask).sum() / mask.sum().clamp(min=1.0)
    chance = torch.sigmoid(logits)
    overlap = (chance * mask).sum((1, 2))
    dice = 1.0 - (2.0 * overlap + 1.0) / (chance.sum((1, 2)) + mask.sum((1, 2)) + 1.0)
    defective = (mask.amax((1, 2)) > 0).float()
    return entropy + (dice * defective).sum() / defective.sum().clamp(min=1.0)


def peak_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """The verdict is a peak: of each picture the highest sound place and the highest defective one, each as one decision.

    Logits and 0/1 mask [N, h, w]. Entropy over all places hardly feels one false peak in thousands of places, yet that one
    stops a good part. Peaks are of 5 x 5 means; places within four pixels of a defect are neither sound nor defective.
    """
    local = functional.avg_pool2d(logits[:, None], 5, 2, 2, count_include_pad=False)
    near = functional.max_pool2d(mask[:, None], 9, 2, 4)
    inside = functional.max_pool2d(mask[:, None], 3, 2, 1)
    sound = (local - 100.0 * near).amax((1, 2, 3))
    defect = (local - 100.0 * (1.0 - inside)).amax((1, 2, 3))
    some_sound, some_defect = 1.0 - near.amin((1, 2, 3)), inside.amax((1, 2, 3))
    raised = (functional.softplus(sound) * some_sound).sum() / some_sound.sum().clamp(min=1.0)
    missed = (functional.softplus(-defect) * some_defect).sum() / some_defect.sum().clamp(min=1.0)
    return raised + missed
