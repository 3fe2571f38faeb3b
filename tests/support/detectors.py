"""Detectors with untrained networks, of every kind of preparation."""

from __future__ import annotations

from functools import cache

import torch

from snag.detector.detector import Detector
from snag.detector.ensemble import Ensemble
from snag.detector.memory_bank import MemoryBank
from snag.training.data.dataset import LIMITS
from snag.training.data.split import Split
from snag.training.data.survey import summarise
from snag.training.export import export
from snag.training.fit.backbone import backbone
from snag.training.fit.memory_bank import remember
from snag.training.fit.standardisation import fit_standardisation
from snag.training.learner import ensemble_sizes
from snag.training.modes import MODES, Choice, choose
from snag.training.plan import TrainingPlan
from snag.training.settings import settle, train_settings
from snag.training.training_set import TrainingSet
from tests.support.parts import good_picture

SMALL = (96, 96)


@cache
def chosen(mode: str) -> Choice:
    return choose([summarise(good_picture(i, SMALL)) for i in range(16)], mode=mode, pixels=2048)


@cache
def pictures(mode: str) -> TrainingSet:
    """Prepared bolts: 8 to fit, 6 to standardise."""
    prepared = torch.stack([chosen(mode).module(good_picture(i, SMALL)).picture for i in range(14)])
    return TrainingSet(prepared[:8], prepared[8:], chosen(mode), Split((), (), ()), "0" * 64, LIMITS)


def networks(*flags: str) -> tuple[Ensemble, list[str]]:
    """Networks with weights as drawn, but with statistics of their own in every BatchNorm: freezing folds them in."""
    wanted = ["--base-channels", "4", "--bottleneck", "4", "--weight-channels", "4", *flags]
    torch.manual_seed(3)
    made = Ensemble(ensemble_sizes(settle(train_settings(wanted), MODES["oriented_crop"], 1)), 1).train()
    with torch.no_grad():
        for _ in range(8):
            made(torch.rand(4, 1, 32, 64))
    return made.eval(), wanted


def detectors(mode: str, *flags: str) -> tuple[Detector, torch.jit.ScriptModule]:
    """The same detector as a module and as what is saved."""
    made, wanted = networks(*flags)
    plan = TrainingPlan.of(train_settings(wanted), pictures(mode))
    memory = MemoryBank(backbone()) if plan.settings.features else None
    if memory:
        remember(memory, plan.pictures.fit, plan.settings.seed)
    eager = Detector(chosen(mode).module, made, plan.settings.score, plan.settings.window, memory).eval()
    fit_standardisation(eager, plan.pictures.standardise)
    return eager, export(plan, made)
