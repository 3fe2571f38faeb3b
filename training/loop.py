"""The training loop: each epoch draws from its own random stream, so that a resumed run draws what the whole one would have."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor

from snag.core.errors import BadArtifact, TrainingDiverged
from snag.training.augment.augment import augment
from snag.training.learner import Learner
from snag.training.plan import TrainingPlan, same_shape_batches
from snag.training.run.checkpoint import load_checkpoint, save_checkpoint
from snag.training.run.curves import LossEvents
from snag.training.run.one_ahead import one_ahead
from snag.training.run.progress import progress
from snag.training.run.schedule import one_cycle

#: Each name of a loss, and its mean over each epoch.
History = dict[str, list[float]]


def learn(plan: TrainingPlan, learner: Learner) -> History:
    """Go on from the run's checkpoint, where there is one, to the last epoch. Raises TrainingDiverged, BadArtifact."""
    settings, is_main = plan.settings, learner.group.is_main
    done, history = _resume(plan, learner)
    total = plan.steps * settings.epochs
    with (
        LossEvents(settings.run / "tensorboard", done) if is_main else nullcontext() as events,
        progress(None, "train", "step", total, done * plan.steps) as bar,
    ):
        bar.disable = not is_main
        for epoch in range(done, settings.epochs):
            sums: dict[str, float] = {}
            for step, (shown, clean, mask) in enumerate(one_ahead(batches(plan, epoch))):
                rate = one_cycle((epoch * plan.steps + step) / total, settings.learning_rate)
                losses = learner.step(shown, clean, mask, rate)
                if not math.isfinite(sum(losses.values())):
                    raise TrainingDiverged(loss=sum(losses.values()), epoch=epoch + 1, step=step + 1)
                sums = {name: sums.get(name, 0.0) + loss / plan.steps for name, loss in losses.items()}
                bar.update()
                at = {"epoch": f"{epoch + 1}/{settings.epochs}"}
                bar.set_postfix(at | {name: f"{loss:.4f}" for name, loss in losses.items()}, refresh=False)
            for name, mean in sums.items():
                history.setdefault(name, []).append(mean)
            if events is None:
                continue
            events.add(sums, epoch + 1)
            save_checkpoint(
                {"learner": learner.state(), "epoch": epoch + 1, "history": history}, settings.run / "checkpoint.pt"
            )
    return history


def _resume(plan: TrainingPlan, learner: Learner) -> tuple[int, History]:
    """Epochs that are done, and their history. Raises BadArtifact where the checkpoint is of other networks."""
    checkpoint = plan.settings.run / "checkpoint.pt"
    state = learner.group.broadcast(lambda: load_checkpoint(checkpoint))
    if not state:
        return 0, {}
    try:
        learner.restore(state["learner"])
        return state["epoch"], state["history"]
    except (KeyError, RuntimeError, ValueError) as error:
        raise BadArtifact(path=checkpoint, detail="not of these networks; remove it to train from the start") from error


def batches(plan: TrainingPlan, epoch: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """One epoch's batches: what is shown [n, c, h, w], the clean picture, the defects' mask [n, h, w]."""
    settings, pictures = plan.settings, plan.pictures
    numbers = np.random.default_rng([settings.seed, epoch, 1])
    tensors = torch.Generator().manual_seed(int(np.random.default_rng([settings.seed, epoch, 2]).integers(2**62)))
    order = torch.randperm(len(pictures.fit), generator=tensors).tolist()
    groups = same_shape_batches(order, pictures.fit, settings.batch_size)
    for turn in torch.randperm(len(groups), generator=tensors).tolist():
        clean = augment(torch.stack([pictures.fit[i] for i in groups[turn]]), plan.augmentation, tensors)
        if not settings.inpaint_defects:
            yield clean, clean, torch.zeros(len(clean), *clean.shape[2:])
            continue
        shown, mask = plan.with_defects(clean, numbers)
        yield shown, clean, mask
