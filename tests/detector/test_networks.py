"""What learns: one step at a time, its moving average, and the state that a resumed run goes on from."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from snag.detector.ensemble import Ensemble
from snag.detector.networks import WeightNetwork
from snag.training.learner import Learner, ensemble_sizes
from snag.training.modes import MODES
from snag.training.run.hardware import Hardware
from snag.training.settings import settle, train_settings
from tests.support.shuffled import shuffle, unshuffle

SMALL = ["--base-channels", "4", "--bottleneck", "4", "--weight-channels", "4", "--precision", "float32"]
PROCESSOR = Hardware(torch.device("cpu"), half=False)


def learner(*flags: str) -> Learner:
    return Learner(settle(train_settings([*SMALL, *flags]), MODES["oriented_crop"], 1), 1, PROCESSOR)


def batch(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    clean = torch.rand(4, 1, 16, 32, generator=random)
    mask = (torch.rand(4, 16, 32, generator=random) < 0.1).float()
    return clean + 0.3 * mask[:, None], clean, mask


def weights(networks: torch.nn.Module) -> Tensor:
    return torch.cat([value.detach().flatten().float() for value in networks.state_dict().values()])


def test_the_seed_alone_decides_the_first_weights() -> None:
    torch.manual_seed(99)
    first = weights(learner().networks)
    torch.manual_seed(1)

    assert torch.equal(first, weights(learner().networks))
    assert not torch.equal(first, weights(learner("--seed", "1").networks))


def test_steps_on_one_batch_bring_both_losses_down() -> None:
    learning = learner()

    losses = [learning.step(*batch(0), rate=3e-3) for _ in range(30)]

    assert set(losses[0]) == {"reconstruction", "weight"}
    assert losses[-1]["reconstruction"] < 0.8 * losses[0]["reconstruction"]
    assert losses[-1]["weight"] < losses[0]["weight"]


def test_without_a_learned_weight_there_is_only_the_reconstruction_to_learn() -> None:
    assert set(learner("--score", "mse", "--no-features").step(*batch(0), rate=1e-3)) == {"reconstruction"}


def test_every_pair_of_an_ensemble_learns_and_each_is_another() -> None:
    learning = learner("--ensemble-size", "2")
    before = [weights(pair) for pair in learning.networks.pairs]

    losses = [learning.step(*batch(0), rate=3e-3) for _ in range(30)]

    assert losses[-1]["weight"] < losses[0]["weight"]
    after = [weights(pair) for pair in learning.networks.pairs]
    assert all(float((a - b).abs().mean()) > 1e-3 for a, b in zip(after, before, strict=True))
    assert not torch.allclose(after[0], after[1])


def test_a_rate_of_nought_moves_nothing_but_the_statistics() -> None:
    learning = learner()
    before = [parameter.clone() for parameter in learning.networks.parameters()]

    learning.step(*batch(0), rate=0.0)

    assert all(torch.equal(a, b) for a, b in zip(before, learning.networks.parameters(), strict=True))


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_the_average_is_an_exponential_one_from_the_first_step_on(decay: float) -> None:
    learning = learner("--ema-decay", str(decay))
    expected: Tensor | None = None

    for seed in range(4):
        learning.step(*batch(seed), rate=1e-2)
        now = torch.cat([parameter.detach().flatten() for parameter in learning.networks.parameters()])
        expected = now.clone() if expected is None else decay * expected + (1 - decay) * now

    averaged = torch.cat([parameter.detach().flatten() for parameter in learning.averaged.module.parameters()])
    assert expected is not None
    torch.testing.assert_close(averaged, expected, rtol=1e-4, atol=1e-6)


def test_a_restored_learner_goes_on_as_if_nothing_had_happened() -> None:
    whole, first, second = learner("--seed", "3"), learner("--seed", "3"), learner("--seed", "3")
    for seed in range(6):
        expected = whole.step(*batch(seed), rate=1e-2)
    for seed in range(3):
        first.step(*batch(seed), rate=1e-2)

    second.restore(copy.deepcopy(first.state()))
    for seed in range(3, 6):
        got = second.step(*batch(seed), rate=1e-2)

    assert got == expected
    assert torch.equal(weights(whole.networks), weights(second.networks))
    assert torch.equal(weights(whole.averaged), weights(second.averaged))


def test_the_result_is_the_average_ready_to_judge_with_statistics_of_its_own() -> None:
    """Batch normalisation's means are those of the averaged weights on the batches shown."""
    learning = learner("--ema-decay", "0.5")
    for seed in range(4):
        learning.step(*batch(seed), rate=1e-2)
    shown = [batch(seed)[0] for seed in (10, 11)]

    result = learning.result(shown)

    assert isinstance(result, Ensemble)
    assert not result.training
    first = result.pairs[0].autoencoder.encoder[0]  # convolution, normalisation, ReLU
    activations = first[0](unshuffle(torch.cat(shown)))
    torch.testing.assert_close(first[1].running_mean, activations.mean((0, 2, 3)), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("wide_context", [False, True])
def test_the_weight_network_takes_any_size_also_where_it_looks_further(wide_context: bool) -> None:
    shown = unshuffle(torch.rand(2, 1, 48, 80))

    assert shuffle(WeightNetwork(1, 4, wide_context)(shown, shown)).shape == (2, 1, 48, 80)


def test_with_a_wide_context_the_weight_network_sees_a_difference_as_large_as_the_picture() -> None:
    """Prepared grey values spread by 0.15, what a repair misses by about 0.05: both come to about one."""
    network = WeightNetwork(1, 4, wide_context=True)
    seen = []
    network.top.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    picture = unshuffle(0.5 + 0.15 * torch.randn(2, 1, 48, 80))

    network(picture, picture + 0.05 * torch.randn(*picture.shape))

    assert seen[0][:, :4].std() == pytest.approx(0.9, abs=0.1)
    assert seen[0][:, 4:8].std() == pytest.approx(1.0, abs=0.1)


def test_of_a_scene_only_what_differs_from_its_usual_look_is_made() -> None:
    """Also after a step, in the average that is exported, and in a script."""
    usual = torch.rand(1, 16, 32, generator=torch.Generator().manual_seed(5))
    settings = settle(train_settings(SMALL), MODES["scene"], 1)
    shown = batch(1)[0]
    of_a_scene, of_anything = (Learner(settings, 1, PROCESSOR, scene=known) for known in (usual, None))

    for networks in (of_a_scene.networks, of_anything.networks):
        networks.eval()
    assert torch.allclose(of_a_scene.networks(shown)[0], of_anything.networks(shown)[0] + usual, atol=1e-5)

    of_a_scene.step(*batch(0), rate=0.0)
    made = of_a_scene.result([shown])
    without = copy.deepcopy(made)
    without.pairs[0].adds_to_scene = False
    assert torch.allclose(made(shown)[0], without(shown)[0] + usual, atol=1e-5)
    assert torch.allclose(torch.jit.script(made)(shown)[0], made(shown)[0], atol=1e-5)


def test_what_is_usual_is_no_part_of_what_was_learnt() -> None:
    """So that a checkpoint holds no picture, and one from before there were scenes is still one."""
    sizes = ensemble_sizes(settle(train_settings(SMALL), MODES["scene"], 1))

    states = [Ensemble(sizes, 1, scene).state_dict().keys() for scene in (torch.zeros(1, 16, 32), None)]

    assert states[0] == states[1]
    assert not any("scene" in name for name in states[0])
