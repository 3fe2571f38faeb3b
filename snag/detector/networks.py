"""The reconstruction networks, and the one that weighs their error. Scriptable modules; nothing else.

All of them see and make unshuffled pictures: four neighbouring pixels as four channels, [N, 4 C, h/2, w/2] for [N, C, h, w].
What one makes the next one takes as it is, and a picture is unshuffled once for a whole ensemble.
"""

from __future__ import annotations

import itertools
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

#: What brings prepared grey values (spread 0.15), and what a repair misses of them (0.05), to about unit spread.
PICTURE_SCALE: Final = 6.0
DIFFERENCE_SCALE: Final = 20.0


def _convolution(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _doubling(inputs: int, outputs: int) -> nn.Sequential:
    """Twice the height and width by pixel shuffle (Shi et al., CVPR 2016)."""
    return nn.Sequential(
        nn.Conv2d(inputs, 4 * outputs, 3, 1, 1, bias=False), nn.PixelShuffle(2), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def coordinates(like: Tensor) -> Tensor:
    """Two channels [N, 2, h, w] with each pixel's place, -1..1, for a picture [N, C, h, w]: aligned parts have places."""
    count, height, width = like.shape[0], like.shape[2], like.shape[3]
    y = torch.linspace(-1.0, 1.0, height, device=like.device)[:, None].expand(height, width)
    x = torch.linspace(-1.0, 1.0, width, device=like.device)[None, :].expand(height, width)
    return torch.stack([x, y])[None].expand(count, 2, height, width)


class BottleneckAutoencoder(nn.Module):
    """All must pass a bottleneck at 1/16 of the resolution: what is not of a good part does not get through."""

    def __init__(self, channels: int, base: int = 32, bottleneck: int = 48) -> None:
        """`channels` of the picture; `base` channels at half resolution."""
        super().__init__()
        wide = 3 * base
        self.encoder = nn.Sequential(
            _convolution(4 * channels, base),
            _convolution(base, base + base // 2, 2),
            _convolution(base + base // 2, 2 * base, 2),
            _convolution(2 * base, wide, 2),
        )
        self.squeeze = nn.Sequential(_convolution(wide + 2, wide), nn.Conv2d(wide, bottleneck, 1))
        self.expand = nn.Sequential(_convolution(bottleneck + 2, wide), _convolution(wide, wide))
        self.decoder = nn.Sequential(
            _doubling(wide, 2 * base),
            _doubling(2 * base, base + base // 2),
            _doubling(base + base // 2, base),
            nn.Conv2d(base, 4 * channels, 3, 1, 1),
        )

    def forward(self, unshuffled: Tensor) -> Tensor:
        """Unshuffled picture -> unshuffled reconstruction, the same shape; h and w of the picture multiples of 16."""
        features = self.encoder(unshuffled)
        place = coordinates(features)
        code = self.squeeze(torch.cat([features, place], 1))
        return self.decoder(self.expand(torch.cat([code, place], 1)))


class BaselineAutoencoder(nn.Module):
    """The baseline: 3x3 convolutions 32, 64, 128, 256 with stride 2, BatchNorm, ReLU; transposed back; sigmoid."""

    def __init__(self, channels: int) -> None:
        """`channels` of the picture."""
        super().__init__()
        widths = (channels, 32, 64, 128, 256)
        self.encoder = nn.Sequential(*[_convolution(a, b, 2) for a, b in itertools.pairwise(widths)])
        self.decoder = nn.Sequential(
            *[
                nn.Sequential(nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True))
                for a, b in ((256, 128), (128, 64), (64, 32))
            ],
            nn.ConvTranspose2d(32, channels, 4, 2, 1),
        )

    def forward(self, unshuffled: Tensor) -> Tensor:
        """Unshuffled picture -> unshuffled reconstruction in 0..1, the same shape; h and w of the picture multiples of 16."""
        made = self.decoder(self.encoder(functional.pixel_shuffle(unshuffled, 2)))
        return functional.pixel_unshuffle(torch.sigmoid(made), 2)


class WeightNetwork(nn.Module):
    """Looks at picture and reconstruction and says where their difference is a defect (after DRAEM, Zavrtanik, ICCV 2021).

    A small U-Net at half resolution. Its map weighs the squared reconstruction error.
    """

    def __init__(self, channels: int, base: int = 24, wide_context: bool = False) -> None:
        """`channels` of the picture; `base` channels at half resolution.

        With a `wide_context` it sees picture and difference at unit spread, and looks further: what is uneven on a surface
        shows against the rest.
        """
        super().__init__()
        self.scales = (PICTURE_SCALE, DIFFERENCE_SCALE) if wide_context else (1.0, 1.0)
        self.centre = 0.5 if wide_context else 0.0
        self.top = nn.Sequential(_convolution(8 * channels + 2, base), _convolution(base, base))
        self.down1 = nn.Sequential(_convolution(base, base + base // 2, 2), _convolution(base + base // 2, base + base // 2))
        self.down2 = nn.Sequential(_convolution(base + base // 2, 2 * base, 2), _convolution(2 * base, 2 * base))
        further = [_convolution(3 * base, 3 * base, dilation=reach) for reach in (2, 4)] if wide_context else []
        self.down3 = nn.Sequential(_convolution(2 * base, 3 * base, 2), _convolution(3 * base, 3 * base), *further)
        self.up2 = _convolution(5 * base, 2 * base)
        self.up1 = _convolution(2 * base + base + base // 2, base + base // 2)
        self.up0 = _convolution(base + base // 2 + base, base)
        self.head = nn.Conv2d(base, 4, 1)

    def forward(self, unshuffled: Tensor, reconstruction: Tensor) -> Tensor:
        """Picture and reconstruction -> logits [N, 4, h/2, w/2] of "defect here", all unshuffled; h and w multiples of 16."""
        picture, difference = self.scales[0] * (unshuffled - self.centre), self.scales[1] * (reconstruction - unshuffled)
        top = self.top(torch.cat([picture, difference, coordinates(unshuffled)], 1))
        one = self.down1(top)
        two = self.down2(one)
        three = self.down3(two)
        two = self.up2(torch.cat([_twice(three), two], 1))
        one = self.up1(torch.cat([_twice(two), one], 1))
        top = self.up0(torch.cat([_twice(one), top], 1))
        return self.head(top)


class NoWeight(nn.Module):
    """Stands in for the weight network where the plain error is the anomaly map."""

    def forward(self, unshuffled: Tensor, reconstruction: Tensor) -> Tensor:
        """Unshuffled logits of 0 everywhere."""
        return torch.zeros_like(unshuffled[:, :4])


def _twice(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")
