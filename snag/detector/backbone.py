"""What the first eleven blocks of EfficientNet-Lite0 see: ImageNet's features at three resolutions.

After Tan and Le, EfficientNet, ICML 2019, in its Lite form: inverted bottlenecks without squeeze-and-excitation, ReLU6. Batch
normalisation is folded into the weights, and channels lie pixel by pixel all the way through: then a 1 x 1 convolution is a
product of matrices, and nothing has to be laid out anew between it and a depthwise one.
"""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Channels at a quarter, an eighth and a sixteenth of the resolution.
CHANNELS: Final = (24, 40, 112)
#: Blocks whose outputs are taken: the last ones of these resolutions.
TAKEN: Final = (2, 4, 10)


class Convolution(nn.Module):
    """A convolution with the batch normalisation after it folded in, and ReLU6: [N, h, w, channels] in and out.

    Of stride 2 it is padded as TensorFlow pads: one more to the right and below. A row and a column of zeros in the weight,
    before the others, make that the same on both sides, so that no picture has to be copied into a larger one.
    """

    weight: Tensor  #: [outputs, inputs / groups, side, side]
    bias: Tensor  #: [outputs]

    def __init__(self, weight: Tensor, bias: Tensor, stride: int, groups: int) -> None:
        """`weight` [outputs, inputs / groups, side, side], side odd; `bias` [outputs]."""
        super().__init__()
        self.stride, self.groups, self.around = stride, groups, weight.shape[2] // 2
        if stride == 2:
            weight = functional.pad(weight, [1, 0, 1, 0])
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", bias)

    def forward(self, pixels: Tensor) -> Tensor:
        """[N, h, w, inputs] -> [N, h / stride, w / stride, outputs]."""
        stride, around = [self.stride, self.stride], [self.around, self.around]
        channels_first = pixels.permute(0, 3, 1, 2)
        found = functional.conv2d(channels_first, self.weight, self.bias, stride, around, [1, 1], self.groups)
        return found.permute(0, 2, 3, 1).clamp_(0.0, 6.0)


class Pointwise(nn.Module):
    """A 1 x 1 convolution with the batch normalisation after it folded in: [N, h, w, channels] in and out."""

    weight: Tensor  #: [outputs, inputs]
    bias: Tensor  #: [outputs]

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        """`weight` [outputs, inputs], `bias` [outputs]."""
        super().__init__()
        self.register_buffer("weight", weight.contiguous())
        self.register_buffer("bias", bias)

    def forward(self, pixels: Tensor) -> Tensor:
        """[N, h, w, inputs] -> [N, h, w, outputs]."""
        return functional.linear(pixels, self.weight, self.bias)


class Block(nn.Module):
    """An inverted bottleneck: [N, h, w, channels] in and out."""

    def __init__(self, expand: Pointwise | None, depthwise: Convolution, project: Pointwise, skips: bool) -> None:
        """`skips`: what comes in is added to what comes out."""
        super().__init__()
        self.expand = expand
        self.depthwise, self.project, self.skips = depthwise, project, skips

    def forward(self, pixels: Tensor) -> Tensor:
        """[N, h, w, inputs] -> [N, h / stride, w / stride, outputs]."""
        wide = pixels
        if self.expand is not None:
            wide = self.expand(pixels).clamp_(0.0, 6.0)
        found = self.project(self.depthwise(wide))
        return found + pixels if self.skips else found


class Backbone(nn.Module):
    """Pictures to features at three resolutions."""

    def __init__(self, stem: Convolution, blocks: list[Block]) -> None:
        """`blocks`: the first ones, up to the last of TAKEN."""
        super().__init__()
        self.stem, self.blocks, self.taken = stem, nn.ModuleList(blocks), list(TAKEN)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Of about unit spread, [N, 3, h, w], h and w multiples of 8 -> features [N, ..., ...], finest first: see CHANNELS."""
        pixels = self.stem(pictures.permute(0, 2, 3, 1))
        found: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            pixels = block(pixels)
            if number in self.taken:
                found.append(pixels.permute(0, 3, 1, 2))
        return found
