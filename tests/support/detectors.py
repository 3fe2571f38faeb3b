"""Detectors with untrained networks, of every kind of preparation."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from snag.detector.detector import Detector
from snag.detector.ensemble import Ensemble
from snag.detector.geometry import block_means
from snag.detector.memory import Memory
from snag.training.data.dataset import LIMITS
from snag.training.data.split import Split
from snag.training.data.survey import summarise
from snag.training.export import export, fit_maps
from snag.training.fit.backbone import backbone
from snag.training.fit.memory import remember
from snag.training.learner import ensemble_sizes
from snag.training.modes import MODES, Choice, choose
from snag.training.plan import TrainingPlan
from snag.training.settings import settle, train_settings
from snag.training.training_set import TrainingSet
from tests.support.asking import ASKING
from tests.support.parts import good_picture

SMALL = (96, 96)


#: Modes whose detectors are shown bolts of any size; the others those pictures that ask for them.
OF_BOLTS = ("oriented_crop", "full_frame")


def shown(mode: str, number: int) -> Tensor:
    """A good picture for a detector of this mode, [C, H, W]; the first 14 have made it."""
    return good_picture(number, SMALL) if mode in OF_BOLTS else ASKING[mode](number)


@cache
def chosen(mode: str, finer: int = 1) -> Choice:
    summaries = [summarise(shown(mode, i)) for i in range(16)]
    choice = choose(summaries, mode=mode, pixels=2048, finer=finer).completed(lambda: (shown(mode, i) for i in range(4)))
    assert choice.mode.name == mode
    return choice


@cache
def pictures(mode: str, finer: int = 1) -> TrainingSet:
    """Prepared pictures: 8 to fit, 6 to standardise."""
    choice = chosen(mode, finer)
    prepared = [choice.module(shown(mode, i)).picture for i in range(14)]
    seen = [block_means(picture, finer) for picture in prepared[:8]]
    return TrainingSet(prepared[:8], seen, prepared[8:], choice, Split((), (), ()), "0" * 64, LIMITS)


def networks(*flags: str, channels: int = 1) -> tuple[Ensemble, list[str]]:
    """Networks with weights as drawn, but with statistics of their own in every BatchNorm: freezing folds them in.

    And the flags that they were made with: without a memory, unless that is among them.
    """
    wanted = ["--base-channels", "4", "--bottleneck", "4", "--weight-channels", "4", "--no-features", *flags]
    torch.manual_seed(3)
    made = Ensemble(ensemble_sizes(settle(train_settings(wanted), MODES["oriented_crop"], 1)), channels).train()
    with torch.no_grad():
        for _ in range(8):
            made(torch.rand(4, channels, 32, 64))
    return made.eval(), wanted


@cache
def detectors(mode: str, *flags: str) -> tuple[Detector, torch.jit.ScriptModule]:
    """The same detector as a module and as what is saved; tests leave it as it is."""
    made, wanted = networks(*flags, channels=chosen(mode).module.channels)
    settings = train_settings(wanted)
    plan = TrainingPlan.of(settings, pictures(mode, settings.finer))
    memory = Memory(backbone()) if settings.features else None
    if memory:
        remember(memory, plan.pictures.prepared, plan.symmetries, settings.seed)
    eager = Detector(plan.pictures.choice.module, made, plan.settings.score, plan.settings.window, memory).eval()
    fit_maps(plan, eager)
    return eager, export(plan, made).script
