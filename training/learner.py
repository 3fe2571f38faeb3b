"""The networks of a run with everything that learns: built, moved along, saved and restored as one."""

# No `from __future__ import annotations` here: TorchScript can't read a buffer's type from a string.

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from snag.detector.networks import BottleneckAutoencoder, NoWeight, ReferenceAutoencoder, WeightNetwork, fold, unfold
from snag.training.losses import SURFACE_SAY, Target, weight_loss
from snag.training.run.process_group import ALONE, Team
from snag.training.settings import SettledSettings


class Member(nn.Module):
    """An autoencoder and, where the score is weighted, the weight network that looks at what it makes.

    Of a scene whose usual look is known, the autoencoder only makes what differs from that: what belongs where need not pass
    its bottleneck.
    """

    usual: Tensor  #: [1, 4 C, h/2, w/2], folded; [1, 1, 1, 1] and 0 where there is no usual picture

    def __init__(self, settings: SettledSettings, channels: int, surface: bool, usual: Tensor | None) -> None:
        """Weights are drawn from torch's global generator: seed it first."""
        super().__init__()
        if settings.autoencoder == "reference":
            self.autoencoder: nn.Module = ReferenceAutoencoder(channels)
            usual = None  # it makes grey values, 0..1
        else:
            self.autoencoder = BottleneckAutoencoder(channels, settings.base, settings.bottleneck)
        self.register_buffer("usual", torch.zeros(1, 1, 1, 1) if usual is None else fold(usual[None]).clone(), persistent=False)
        weighted = settings.score == "weighted"
        self.weight: nn.Module = WeightNetwork(channels, settings.weight_base, surface) if weighted else NoWeight()

    def forward(self, folded: Tensor) -> tuple[Tensor, Tensor]:
        """Folded picture -> reconstruction, and the weight network's logits, which send it no gradient; both folded."""
        reconstruction = self.autoencoder(folded)
        if self.usual.shape[1] > 1:
            reconstruction = reconstruction + self.usual
        return reconstruction, self.weight(folded, reconstruction.detach())


class Networks(nn.Module):
    """A committee: what its members say is averaged, and what only one of them finds odd in a good part counts for less."""

    def __init__(self, settings: SettledSettings, channels: int, surface: bool = False, usual: Tensor | None = None) -> None:
        """Weights are drawn from torch's global generator: seed it first.

        `surface`: of whole pictures, not of parts; `usual`: [C, h, w], what all of them are like, if they are alike.
        """
        super().__init__()
        self.members = nn.ModuleList([Member(settings, channels, surface, usual) for _ in range(settings.members)])

    def forward(self, shown: Tensor) -> tuple[Tensor, Tensor]:
        """[N, c, h, w] -> mean reconstruction, the same shape, and mean logits [N, h, w].

        In a script all members but the first run beside the calling thread, on cores that are idle.
        """
        folded = fold(shown)
        others: list[torch.jit.Future[tuple[Tensor, Tensor]]] = []
        for number, member in enumerate(self.members):
            if number > 0:
                others.append(torch.jit.fork(member, folded))
        reconstruction, weight = self.members[0](folded)
        reconstructions, logits = [reconstruction], [weight]
        for other in others:
            reconstruction, weight = torch.jit.wait(other)
            reconstructions.append(reconstruction)
            logits.append(weight)
        return unfold(torch.stack(reconstructions).mean(0)), unfold(torch.stack(logits).mean(0))[:, 0]


class Learner:
    """Networks, their moving average and their optimizer; one `step` at a time."""

    def __init__(
        self,
        settings: SettledSettings,
        channels: int,
        device: torch.device,
        half: bool,
        team: Team = ALONE,
        surface: bool = False,
        usual: Tensor | None = None,
    ) -> None:
        """`half`: compute in bfloat16 where it is safe to; `surface` and `usual`: see `Networks`."""
        torch.manual_seed(settings.seed)
        self.settings, self.device, self.half, self.team = settings, device, half, team
        self.say = SURFACE_SAY if surface else 1.0
        self.networks = Networks(settings, channels, surface, usual).to(device)
        self.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(
            self.networks.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        # A decay of 0 takes the last weights.
        self.averaged = AveragedModel(self.networks, multi_avg_fn=get_ema_multi_avg_fn(settings.average), use_buffers=True)
        team.normalise_together(self.networks)

    def step(self, shown: Tensor, clean: Tensor, mask: Tensor, rate: float) -> dict[str, float]:
        """One step on a batch: what the networks are shown, what they should make of it, where it is defective. The losses."""
        (shown, clean, mask), share = self.team.share(shown, clean, mask)
        self.networks.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        shown, mask, target = shown.to(self.device), mask.to(self.device), Target(clean.to(self.device))
        defective = None if self.team.size == 1 else self.team.total(float((mask.amax((1, 2)) > 0).sum()))
        number = None if defective is None else share * max(1.0, defective)
        found: dict[str, list[Tensor]] = {}
        folded = fold(shown).to(memory_format=torch.channels_last)
        for member in self.networks.members:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
                made, logits = member(folded)
            loss = target.loss(unfold(made).float(), self.settings.alpha, self.settings.error_scale)
            found.setdefault("reconstruction", []).append(loss)
            if self.settings.score == "weighted":
                found.setdefault("weight", []).append(weight_loss(unfold(logits)[:, 0].float(), mask, number, self.say))
        losses = {name: torch.stack(each).mean() for name, each in found.items()}
        self.optimizer.zero_grad(set_to_none=True)
        (share * len(self.networks.members) * torch.stack(list(losses.values())).sum()).backward()
        self.team.add_gradients(self.networks)
        nn.utils.clip_grad_norm_(self.networks.parameters(), 5.0)
        self.optimizer.step()
        self.averaged.update_parameters(self.networks)
        return self.team.sum({name: share * float(loss.detach()) for name, loss in losses.items()})

    def result(self, shown: Iterable[Tensor]) -> Networks:
        """The averaged networks, on the CPU, to be exported.

        `shown` are training batches [N, c, h, w]: averaged weights make other activations than the weights that they average,
        so the statistics of batch normalisation are taken anew (Izmailov et al., UAI 2018, sec. 3.2).
        """
        networks = self.averaged.module
        assert isinstance(networks, Networks)  # noqa: S101  # for the type checker  # nosec B101
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            update_bn((batch.to(self.device, memory_format=torch.channels_last) for batch in shown), networks)
        return networks.cpu().float().to(memory_format=torch.contiguous_format).eval()

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs."""
        return {
            "networks": self.networks.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; the next step gives what it would have given without the interruption."""
        self.networks.load_state_dict(state["networks"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
