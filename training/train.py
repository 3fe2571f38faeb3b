"""`python -m snag.training.train`: good pictures in, a TorchScript detector out. Read it from top to bottom."""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from snag.cli.folder_lock import held
from snag.cli.settings import run
from snag.core.artifact import save_artifact
from snag.core.errors import BadArtifact, TrainingDiverged
from snag.detector.detector import Detector, fit_standardisation
from snag.detector.fuse_batchnorm import folded
from snag.detector.memory_bank import Memory, remember
from snag.training.augment.augmentation import Augmentation, augment
from snag.training.augment.default_augmentation import shown_in, usual_augmentation
from snag.training.augment.defects import add_defects
from snag.training.augment.symmetry import alike
from snag.training.data.dataset import digest_of, good_pictures
from snag.training.data.split import write_split
from snag.training.fit.backbone import backbone
from snag.training.learner import Learner, Networks
from snag.training.run.checkpoint import load_checkpoint, save_checkpoint
from snag.training.run.curves import LossEvents, draw_curves
from snag.training.run.one_ahead import one_ahead
from snag.training.run.process_group import FRESH, Team, starts, team
from snag.training.run.progress import progress
from snag.training.run.provenance import versions
from snag.training.run.run_folder import begin, finished, identity
from snag.training.run.schedule import one_cycle
from snag.training.settings import SettledSettings, TrainSettings, for_mode, train_settings
from snag.training.training_set import Material, material_of

SCORE_UNITS = {
    "weighted": "standard deviations of good parts' weighted reconstruction error at its worst place",
    "peak": "standard deviations of good parts' squared reconstruction error at its worst place",
    "mse": "mean squared reconstruction error, prepared grey values",
}
WITH_FEATURES = "log(1 + e) + f / 2 with f standard deviations of the features' distance and e"


def train(settings: TrainSettings) -> None:
    """Train, standardise, export.

    Goes on where an earlier run with the same settings stopped; does nothing when it had finished.
    """
    device, half = _hardware(settings)
    with team(device) as members:
        _train(settings, members, device, half)


def _train(asked: TrainSettings, members: Team, device: torch.device, half: bool) -> None:
    paths = good_pictures(asked.data)
    digest = digest_of(paths, asked.data)
    members.alike((digest, identity(asked)))
    if members.agreed(lambda: finished(asked, digest)):
        print(f"{asked.run / 'snag.pt'} is already trained with these settings on these pictures")
        return
    with held(asked.run, "training into") if members.leads else nullcontext():
        _train_here(asked, paths, digest, members, device, half)


def _train_here(asked: TrainSettings, paths: list[Path], digest: str, members: Team, device: torch.device, half: bool) -> None:
    if asked.features:
        backbone()  # that it is missing is better said before an hour's training than after it
    if members.leads:
        begin(asked, digest)
    members.wait()
    material = members.leader_first(lambda: material_of(asked, paths, digest))
    settings = for_mode(asked, material.chosen.mode, len(_groups(range(len(material.fit)), material.fit, asked.batch_size)))
    how = usual_augmentation(settings, material.chosen.mode, material.symmetry)
    if members.leads:
        print(f"symmetries in which the good pictures are shown: {shown_in(how)}")
        write_split(material.split, settings.run / "split.json")
    channels, usual = material.chosen.module.channels, material.usual
    learner = Learner(settings, channels, device, half, members, material.surface is not None, usual)
    history = _learn(settings, learner, material)
    if not members.leads:
        return
    networks = learner.result(shown for shown, _, _ in batches(settings, material, how, settings.epochs))
    detector = export(settings, networks, material)
    draw_curves(history, settings.run / "loss.png")
    # Last: a run that has it is finished.
    save_artifact(detector, _artifact_settings(identity(asked), settings, material, history), settings.run / "snag.pt")
    print(f"trained: {settings.run / 'snag.pt'} ({material.chosen.mode}: {material.chosen.why})")


def _learn(settings: SettledSettings, learner: Learner, material: Material) -> dict[str, list[float]]:
    """The loop. Each epoch draws from its own random stream, so that a resumed run draws what the whole one would have."""
    history: dict[str, list[float]] = {}
    checkpoint = settings.run / "checkpoint.pt"
    done, members = 0, learner.team
    if state := members.agreed(lambda: load_checkpoint(checkpoint)):
        try:
            learner.restore(state["learner"])
            done, history = state["epoch"], state["history"]
        except (KeyError, RuntimeError, ValueError) as error:
            raise BadArtifact(path=checkpoint, detail="not of these networks; remove it to train from the start") from error
    how = usual_augmentation(settings, material.chosen.mode, material.symmetry)
    steps = len(_groups(range(len(material.fit)), material.fit, settings.batch_size))
    total = steps * settings.epochs
    with (
        LossEvents(settings.run / "tensorboard", done) if members.leads else nullcontext() as events,
        progress(None, "train", "step", total, done * steps) as bar,
    ):
        bar.disable = not members.leads
        for epoch in range(done, settings.epochs):
            sums: dict[str, float] = {}
            for step, (shown, clean, mask) in enumerate(one_ahead(batches(settings, material, how, epoch))):
                rate = one_cycle((epoch * steps + step) / total, settings.learning_rate)
                losses = learner.step(shown, clean, mask, rate)
                if not math.isfinite(sum(losses.values())):
                    raise TrainingDiverged(loss=sum(losses.values()), epoch=epoch + 1, step=step + 1)
                sums = {name: sums.get(name, 0.0) + loss / steps for name, loss in losses.items()}
                bar.update()
                at = {"epoch": f"{epoch + 1}/{settings.epochs}"}
                bar.set_postfix(at | {name: f"{loss:.4f}" for name, loss in losses.items()}, refresh=False)
            for name, mean in sums.items():
                history.setdefault(name, []).append(mean)
            if events is None:
                continue
            events.add(sums, epoch + 1)
            save_checkpoint({"learner": learner.state(), "epoch": epoch + 1, "history": history}, checkpoint)
    return history


def batches(
    settings: TrainSettings, material: Material, how: Augmentation, epoch: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """One epoch's batches: what is shown [n, c, h, w], the clean picture, the defects' mask [n, h, w]."""
    numbers = np.random.default_rng([settings.seed, epoch, 1])
    tensors = torch.Generator().manual_seed(int(np.random.default_rng([settings.seed, epoch, 2]).integers(2**62)))
    groups = _groups(torch.randperm(len(material.fit), generator=tensors).tolist(), material.fit, settings.batch_size)
    for turn in torch.randperm(len(groups), generator=tensors).tolist():
        clean = augment(torch.stack([material.fit[i] for i in groups[turn]]), how, tensors)
        where = material.chosen.foreground[: clean.shape[2], : clean.shape[3]].numpy()  # of whole pictures, all alike
        if not settings.repair:
            yield clean, clean, torch.zeros(len(clean), *clean.shape[2:])
            continue
        shown, mask = add_defects(clean.numpy(), where, numbers, material.background, material.surface)
        yield torch.from_numpy(shown), clean, torch.from_numpy(mask)


def _groups(order: Iterable[int], pictures: Sequence[Tensor], size: int) -> list[list[int]]:
    """Batches of at most `size` pictures of one shape."""
    by_shape: dict[torch.Size, list[int]] = {}
    for i in order:
        by_shape.setdefault(pictures[i].shape, []).append(i)
    return [alike[start : start + size] for alike in by_shape.values() for start in range(0, len(alike), size)]


#: What an artefact can be asked: evaluation needs more than a worker does.
METHODS: Final = ("prepare", "prepare_like", "score", "score_prepared", "map_in_picture")


def export(settings: SettledSettings, networks: Networks, material: Material) -> torch.jit.ScriptModule:
    """Remember, standardise on parts that the networks never saw, then script and freeze."""
    shown = shown_in(usual_augmentation(settings, material.chosen.mode, material.symmetry))
    memory = Memory(backbone()) if settings.features else None
    if memory:
        remember(memory, material.fit, settings.seed)
    detector = Detector(material.chosen.module, folded(networks), settings.score, settings.window, memory).eval()
    if len(material.standardise):
        fit_standardisation(detector, [copy for one in material.standardise for copy in alike(one, shown)])
    with torch.no_grad():  # the last step's losses are of the weights before it
        if not all(detector.score_prepared(one[None])[0].isfinite().all() for one in material.fit[:8]):
            raise TrainingDiverged(loss="not finite", epoch=settings.epochs, step="the last")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript in each call; that it is one is decided
        return torch.jit.freeze(torch.jit.script(detector), preserved_attrs=list(METHODS))


def _hardware(settings: TrainSettings) -> tuple[torch.device, bool]:
    """Device, and whether bfloat16 pays: on a GPU and on processors with matrix tiles; elsewhere it is slower than float32."""
    device = settings.device if settings.device != "auto" else ("cuda" if torch.cuda.is_available() else "cpu")
    fast = device == "cuda" or torch.cpu._is_amx_tile_supported()
    return torch.device(device), settings.precision == "bfloat16" or (settings.precision == "auto" and fast)


def _artifact_settings(
    asked: dict[str, Any], settings: SettledSettings, material: Material, history: dict[str, list[float]]
) -> dict[str, Any]:
    return {
        "training": asked,
        "preset": settings.preset,
        "mode": material.chosen.mode,
        "why": material.chosen.why,
        "symmetry": str(shown_in(usual_augmentation(settings, material.chosen.mode, material.symmetry))),
        "channels": material.chosen.module.channels,
        "height": material.chosen.module.height,
        "width": material.chosen.module.width,
        "members": settings.members,
        "epochs": settings.epochs,
        "window": settings.window,
        "score": settings.score,
        "features": settings.features,
        "score_unit": f"{WITH_FEATURES} {SCORE_UNITS[settings.score]}" if settings.features else SCORE_UNITS[settings.score],
        "data_digest": material.data_digest,
        "fit_pictures": len(material.fit),
        "standardise_pictures": len(material.standardise),
        "last_loss": {name: values[-1] for name, values in history.items()},
        "versions": versions(),
    }


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    words = sys.argv[1:] if argv is None else argv

    def work() -> None:
        settings = train_settings(words)
        if command := starts(settings.nproc, settings.hosts, settings.meet, words):
            good_pictures(settings.data)  # what is wrong with them is better said once than by every process
            os.execve(command[0], command, os.environ | FRESH)  # noqa: S606  # no shell: words stay words  # nosec B606
        train(settings)

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())
