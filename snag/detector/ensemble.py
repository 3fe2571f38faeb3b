"""The ensemble: pairs of an autoencoder and a weight network, whose answers are averaged."""

# No `from __future__ import annotations` here: TorchScript can't read a type from a string.

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from snag.detector.networks import BaselineAutoencoder, BottleneckAutoencoder, NoWeight, WeightNetwork


@dataclass(frozen=True)
class Sizes:
    """What networks an ensemble is made of."""

    pairs: int
    autoencoder: Literal["bottleneck", "baseline"]
    base_channels: int  #: of the bottleneck autoencoder, at half resolution
    bottleneck: int  #: its channels at 1/16 of the resolution
    weight_channels: int | None  #: of the weight network, at half resolution; None: the plain error is the map
    wide_context: bool  #: see `networks.WeightNetwork`


class NetworkPair(nn.Module):
    """An autoencoder and, where the error is weighted, the weight network that looks at what it makes.

    Of a scene whose appearance is known, the autoencoder only makes what differs from that: what belongs where need not pass
    its bottleneck.
    """

    known_scene: Tensor  #: [1, 4 C, h/2, w/2], unshuffled; [1, 1, 1, 1] where there is none

    def __init__(self, sizes: Sizes, channels: int, scene: Tensor | None) -> None:
        """Weights are drawn from torch's global generator: seed it first."""
        super().__init__()
        if sizes.autoencoder == "baseline":
            self.autoencoder: nn.Module = BaselineAutoencoder(channels)
            scene = None  # it makes grey values, 0..1
        else:
            self.autoencoder = BottleneckAutoencoder(channels, sizes.base_channels, sizes.bottleneck)
        self.adds_to_scene = scene is not None
        known = torch.zeros(1, 1, 1, 1) if scene is None else functional.pixel_unshuffle(scene[None], 2).clone()
        self.register_buffer("known_scene", known, persistent=False)
        self.weight: nn.Module = (
            NoWeight() if sizes.weight_channels is None else WeightNetwork(channels, sizes.weight_channels, sizes.wide_context)
        )

    def forward(self, unshuffled: Tensor) -> tuple[Tensor, Tensor]:
        """Picture -> reconstruction, and the weight network's logits, which send it no gradient; all of them unshuffled."""
        reconstruction = self.autoencoder(unshuffled)
        if self.adds_to_scene:
            reconstruction = reconstruction + self.known_scene
        return reconstruction, self.weight(unshuffled, reconstruction.detach())


class Ensemble(nn.Module):
    """Pairs whose answers are averaged: what only one of them finds odd in a good part counts for less."""

    def __init__(self, sizes: Sizes, channels: int, scene: Tensor | None = None) -> None:
        """Weights are drawn from torch's global generator: seed it first.

        `scene` [C, h, w] is what all pictures look like, where they show one scene.
        """
        super().__init__()
        self.pairs = nn.ModuleList([NetworkPair(sizes, channels, scene) for _ in range(sizes.pairs)])

    def forward(self, shown: Tensor) -> tuple[Tensor, Tensor]:
        """[N, c, h, w] -> mean reconstruction, the same shape, and mean logits [N, h, w].

        In a script all pairs but the first run beside the calling thread, on cores that are idle.
        """
        unshuffled = functional.pixel_unshuffle(shown, 2)
        others: list[torch.jit.Future[tuple[Tensor, Tensor]]] = []
        for number, pair in enumerate(self.pairs):
            if number > 0:
                others.append(torch.jit.fork(pair, unshuffled))
        reconstruction, weight = self.pairs[0](unshuffled)
        reconstructions, logits = [reconstruction], [weight]
        for other in others:
            reconstruction, weight = torch.jit.wait(other)
            reconstructions.append(reconstruction)
            logits.append(weight)
        return (
            functional.pixel_shuffle(torch.stack(reconstructions).mean(0), 2),
            functional.pixel_shuffle(torch.stack(logits).mean(0), 2)[:, 0],
        )
