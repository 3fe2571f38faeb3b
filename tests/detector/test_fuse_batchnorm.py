"""Batch normalisation that is folded into convolutions: the same function, and none of it left."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from snag.detector.fuse_batchnorm import fuse_batchnorm
from tests.support.detectors import networks
from tests.support.shuffled import shuffle, unshuffle


def drawn(made: nn.Module) -> nn.Module:
    """With scales and shifts that are not those of a fresh network."""
    torch.manual_seed(5)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.0, 0.2)
    return made


@pytest.mark.parametrize("flags", [["--ensemble-size", "1"], ["--ensemble-size", "3"], ["--autoencoder", "baseline"]])
def test_folded_networks_say_the_same(flags: list[str]) -> None:
    made = drawn(networks(*flags)[0])
    shown = torch.rand(2, 1, 48, 64)

    with torch.no_grad():
        expected, got = made(shown), fuse_batchnorm(made)(shown)

    for one, other in zip(expected, got, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_no_normalisation_is_left_where_a_convolution_can_take_it_and_the_original_keeps_its_own() -> None:
    made = drawn(networks("--ensemble-size", "2")[0])
    before = sum(isinstance(module, nn.BatchNorm2d) for module in made.modules())

    result = fuse_batchnorm(made)

    assert not any(isinstance(module, nn.BatchNorm2d) for module in result.modules())
    assert before == sum(isinstance(module, nn.BatchNorm2d) for module in made.modules()) > 0


def test_a_scripted_ensemble_says_what_its_pairs_say_one_after_the_other() -> None:
    made = fuse_batchnorm(drawn(networks("--ensemble-size", "3")[0]))
    shown = torch.rand(1, 1, 32, 64)
    script = torch.jit.freeze(torch.jit.script(made))

    with torch.inference_mode():
        reconstruction, logits = script(shown)
        each = [pair(unshuffle(shown)) for pair in made.pairs]

    assert "prim::fork" in str(script.inlined_graph)
    torch.testing.assert_close(reconstruction, shuffle(sum(said[0] for said in each) / 3))
    torch.testing.assert_close(logits, shuffle(sum(said[1] for said in each) / 3)[:, 0])
