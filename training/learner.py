"""The networks of a run with everything that learns: built, moved along, saved and restored as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from snag.detector.ensemble import Ensemble, Sizes
from snag.training.losses import ReconstructionTarget, weight_loss
from snag.training.run.hardware import Hardware
from snag.training.run.process_group import ALONE, ProcessGroup
from snag.training.settings import SettledSettings


class Learner:
    """Networks, their moving average and their optimizer; one `step` at a time."""

    def __init__(
        self,
        settings: SettledSettings,
        channels: int,
        hardware: Hardware,
        group: ProcessGroup = ALONE,
        scene: Tensor | None = None,
    ) -> None:
        """`scene`: see `Ensemble`."""
        torch.manual_seed(settings.seed)
        self.settings, self.device, self.half, self.group = settings, hardware.device, hardware.half, group
        self.networks = Ensemble(ensemble_sizes(settings), channels, scene).to(self.device)
        self.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(
            self.networks.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        # A decay of 0 takes the last weights.
        self.averaged = AveragedModel(self.networks, multi_avg_fn=get_ema_multi_avg_fn(settings.ema_decay), use_buffers=True)
        group.normalise_together(self.networks)

    def step(self, shown: Tensor, clean: Tensor, mask: Tensor, rate: float) -> dict[str, float]:
        """One step on a batch: what the networks are shown, what they should make of it, where it is defective. The losses."""
        (shown, clean, mask), share = self.group.share(shown, clean, mask)
        self.networks.train()
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = rate
        shown, mask, target = shown.to(self.device), mask.to(self.device), ReconstructionTarget(clean.to(self.device))
        defective = None if self.group.size == 1 else self.group.total(float((mask.amax((1, 2)) > 0).sum()))
        number = None if defective is None else share * max(1.0, defective)
        found: dict[str, list[Tensor]] = {}
        unshuffled = functional.pixel_unshuffle(shown, 2).to(memory_format=torch.channels_last)
        for pair in self.networks.pairs:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
                made, logits = pair(unshuffled)
            loss = target.loss(functional.pixel_shuffle(made, 2).float(), self.settings.ssim_weight, self.settings.mse_scale)
            found.setdefault("reconstruction", []).append(loss)
            if self.settings.score == "weighted":
                logits = functional.pixel_shuffle(logits, 2)[:, 0].float()
                found.setdefault("weight", []).append(weight_loss(logits, mask, number, self.settings.pos_weight))
        losses = {name: torch.stack(each).mean() for name, each in found.items()}
        self.optimizer.zero_grad(set_to_none=True)
        (share * len(self.networks.pairs) * torch.stack(list(losses.values())).sum()).backward()
        self.group.add_gradients(self.networks)
        nn.utils.clip_grad_norm_(self.networks.parameters(), 5.0)
        self.optimizer.step()
        self.averaged.update_parameters(self.networks)
        return self.group.sum({name: share * float(loss.detach()) for name, loss in losses.items()})

    def result(self, shown: Iterable[Tensor]) -> Ensemble:
        """The averaged networks, on the CPU, to be exported.

        `shown` are training batches [N, c, h, w]: averaged weights make other activations than the weights that they average,
        so the statistics of batch normalisation are taken anew (Izmailov et al., UAI 2018, sec. 3.2).
        """
        networks = self.averaged.module
        assert isinstance(networks, Ensemble)  # noqa: S101  # for the type checker  # nosec B101
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


def ensemble_sizes(settings: SettledSettings) -> Sizes:
    """What networks the settings ask for."""
    return Sizes(
        pairs=settings.ensemble_size,
        autoencoder=settings.autoencoder,
        base_channels=settings.base_channels,
        bottleneck=settings.bottleneck,
        weight_channels=settings.weight_channels if settings.score == "weighted" else None,
        wide_context=settings.wide_context,
    )
