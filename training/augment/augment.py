"""Augmentation on batches of prepared pictures: geometry with the edge repeated, and what a camera does."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.v2.functional import adjust_gamma, gaussian_blur

from snag.training.augment.augmentation import Augmentation


def augment(pictures: Tensor, how: Augmentation, random: torch.Generator) -> Tensor:
    """[N, C, h, w] -> the same shape; a picture keeps its place in the batch."""
    return apply_camera(apply_geometry(pictures, how, random), how, random)


def _uniform(count: int, reach: float, random: torch.Generator) -> Tensor:
    return (torch.rand(count, generator=random) * 2.0 - 1.0) * reach


def apply_geometry(pictures: Tensor, how: Augmentation, random: torch.Generator) -> Tensor:
    """Rotate, shift, shear, zoom, flip and turn over: one grid for all of the batch, one matrix for each picture.

    torchvision's `affine` has one matrix a call and fills with a constant: pictures would have to be padded, moved one by one
    and cropped, and those that any turn is allowed would want more padding than an oblong picture has to mirror.
    `benchmarks.augmentation` prints what that takes.
    """
    count, _, height, width = pictures.shape
    angle = _uniform(count, math.radians(how.rotation), random)
    shear = _uniform(count, math.radians(how.shear), random).tan()
    zoom = 1.0 + _uniform(count, how.zoom, random)
    shift = torch.stack([_uniform(count, 2.0 * how.shift, random), _uniform(count, 2.0 * how.shift, random)], 1)
    flip = torch.where(torch.rand(count, generator=random) < 0.5, -1.0, 1.0) if how.flip else torch.ones(count)
    upright = torch.where(torch.rand(count, generator=random) < 0.5, -1.0, 1.0) if how.half_turn else torch.ones(count)
    if not (how.rotation or how.shift or how.shear or how.zoom or how.flip or how.half_turn):
        return pictures
    cos, sin = upright * torch.cos(angle) / zoom, upright * torch.sin(angle) / zoom
    aspect = height / width  # rotation is by angle in pixels, the grid's units differ along the sides
    rows = torch.stack(
        [
            torch.stack([cos * flip, (shear * cos - sin) * aspect, shift[:, 0]], 1),
            torch.stack([sin * flip / aspect, shear * sin + cos, shift[:, 1]], 1),
        ],
        1,
    )
    grid = functional.affine_grid(rows, list(pictures.shape), align_corners=False)
    # Turned a little, a picture lacks a few pixels at its edge; turned far, whole corners, which streaks would fill.
    beyond = "border" if how.rotation < 45.0 else "reflection"
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode=beyond, align_corners=False)


def apply_camera(pictures: Tensor, how: Augmentation, random: torch.Generator) -> Tensor:
    """Blur, tone curve, too much light, gain and noise.

    torchvision's `adjust_contrast` and `adjust_brightness` cut off what lies outside of 0..1, as prepared pictures' values
    may, and its `gaussian_noise` draws from the global generator: those stay torch's.
    """
    count = len(pictures)
    if how.blur > 0:
        sigmas = torch.rand(count, generator=random) * how.blur
        pictures = torch.stack([_blur(picture, sigma) for picture, sigma in zip(pictures, sigmas.tolist(), strict=True)])
    if how.gamma > 0:
        pictures = _bend(pictures, 1.0 + _uniform(count, how.gamma, random))
    if how.overexposure > 0:
        pictures = _overexpose(pictures, _uniform(count, how.overexposure, random).clamp(min=0.0))
    if how.gain > 0:
        middle = pictures.mean((2, 3), keepdim=True)
        gain = (1.0 + _uniform(count, how.gain, random)).view(-1, 1, 1, 1)
        # By channel: a lamp's colour drifts too, and a slight tint over all of the picture is no defect.
        offset = _uniform(count * pictures.shape[1], 0.5 * how.gain, random).view(count, -1, 1, 1)
        pictures = (pictures - middle) * gain + middle + offset
    if how.noise > 0:
        level = (torch.rand(count, generator=random) * how.noise).view(-1, 1, 1, 1)
        pictures = pictures + level * torch.randn(pictures.shape, generator=random)
    return pictures


def _bend(pictures: Tensor, exponents: Tensor) -> Tensor:
    """Each picture's grey values, darkest to brightest, to the power of its exponent [N]; mean and spread stay."""
    low, high = pictures.amin((1, 2, 3), keepdim=True), pictures.amax((1, 2, 3), keepdim=True)
    even = (pictures - low) / (high - low).clamp(min=1e-6)
    bent = [adjust_gamma(picture, exponent) for picture, exponent in zip(even, exponents.tolist(), strict=True)]
    return _as_spread(torch.stack(bent), pictures)


def _overexpose(pictures: Tensor, share: Tensor) -> Tensor:
    """Each picture with the brightest `share` [N] of its values cut off, all channels at one value; mean and spread stay."""
    sample = pictures.flatten(1)[:, ::7].sort(1).values
    place = ((1.0 - share) * (sample.shape[1] - 1)).long()
    limit = sample.gather(1, place[:, None]).view(-1, 1, 1, 1)
    cut = torch.minimum(pictures, limit)
    return torch.where(share.view(-1, 1, 1, 1) > 0.0, _as_spread(cut, pictures), pictures)


def _as_spread(pictures: Tensor, others: Tensor) -> Tensor:
    """Each picture with the mean and deviation of its counterpart: what taking out the exposure leaves of it."""
    spread, mean = torch.std_mean(pictures, (1, 2, 3), keepdim=True)
    wanted, middle = torch.std_mean(others, (1, 2, 3), keepdim=True)
    return (pictures - mean) / spread.clamp(min=1e-6) * wanted + middle


def _blur(picture: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of [C, h, w] with the edge mirrored; below a quarter of a pixel there is nothing to do."""
    if sigma < 0.25:
        return picture
    # Beyond 2.5 sigma lies a hundredth of a Gaussian. A mirror needs what it shows: no picture is turned over twice.
    reach = min(math.ceil(2.5 * sigma), min(picture.shape[1:]) - 1)
    return gaussian_blur(picture, [2 * reach + 1] * 2, [sigma] * 2)
