"""Augmentation on batches of prepared pictures: geometry with the edge repeated, and what a camera does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Augmentation:
    """Ranges to draw from, for each picture anew; 0 (or False) turns one off."""

    rotation: float  #: degrees, either way
    shift: float  #: share of the side, either way, each direction
    shear: float  #: degrees, either way
    zoom: float  #: share, either way
    flip: bool  #: horizontally, every other picture
    half_turn: bool  #: by 180 degrees, every other picture
    noise: float  #: standard deviation, grey values 0..1, up to
    blur: float  #: Gaussian sigma in pixels, up to
    gain: float  #: share, either way
    gamma: float  #: of the exponent of the tone curve, share, either way
    white: float  #: share of the values that are white as under too much light, up to, in every other picture


def augment(pictures: Tensor, how: Augmentation, random: torch.Generator) -> Tensor:
    """[N, C, h, w] -> the same shape; a picture keeps its place in the batch."""
    return _camera(_move(pictures, how, random), how, random)


def _uniform(count: int, reach: float, random: torch.Generator) -> Tensor:
    return (torch.rand(count, generator=random) * 2.0 - 1.0) * reach


def _move(pictures: Tensor, how: Augmentation, random: torch.Generator) -> Tensor:
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


def _camera(pictures: Tensor, how: Augmentation, random: torch.Generator) -> Tensor:
    count = len(pictures)
    if how.blur > 0:
        sigma = torch.rand(count, generator=random) * how.blur
        pictures = torch.cat([_blurred(one[None], float(s)) for one, s in zip(pictures, sigma, strict=True)])
    if how.gamma > 0:
        pictures = _toned(pictures, 1.0 + _uniform(count, how.gamma, random))
    if how.white > 0:
        pictures = _overexposed(pictures, _uniform(count, how.white, random).clamp(min=0.0))
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


def _toned(pictures: Tensor, exponent: Tensor) -> Tensor:
    """Each picture's grey values, from darkest to brightest, to the power of its exponent [N]; mean and spread stay."""
    low, high = pictures.amin((1, 2, 3), keepdim=True), pictures.amax((1, 2, 3), keepdim=True)
    return _as_spread(((pictures - low) / (high - low).clamp(min=1e-6)).pow(exponent.view(-1, 1, 1, 1)), pictures)


def _overexposed(pictures: Tensor, share: Tensor) -> Tensor:
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


def _blurred(picture: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of [1, C, h, w]; below a quarter of a pixel there is nothing to do."""
    if sigma < 0.25:
        return picture
    reach = max(1, math.ceil(2.5 * sigma))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    channels = picture.shape[1]
    padded = functional.pad(picture, (reach, reach, reach, reach), mode="replicate")
    rows = functional.conv2d(padded, kernel.expand(channels, 1, 1, -1), groups=channels)
    return functional.conv2d(rows, kernel.expand(channels, 1, 1, -1).transpose(2, 3), groups=channels)
