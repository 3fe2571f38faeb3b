"""Detectors with untrained networks, of both kinds of preparation."""

from __future__ import annotations

from functools import cache

import torch

from snag.detector.detector import Detector, fit_standardisation
from snag.detector.memory_bank import Memory, remember
from snag.training.data.split import Split
from snag.training.data.survey import look
from snag.training.fit.backbone import backbone
from snag.training.fit.choose_preparation import Chosen, choose_preparation
from snag.training.learner import Networks
from snag.training.settings import for_mode, train_settings
from snag.training.train import export
from snag.training.training_set import Material
from tests.support.parts import good_picture

SMALL = (96, 96)


@cache
def chosen(mode: str) -> Chosen:
    looks = [look(good_picture(i, SMALL)) for i in range(16)]
    return choose_preparation(looks, mode=mode, colour="auto", pixels=2048, centre=0.5, spread=0.15)


@cache
def material(mode: str) -> Material:
    """Prepared bolts: 8 to fit, 6 to standardise."""
    prepared = torch.stack([chosen(mode).module(good_picture(i, SMALL))[0] for i in range(14)])
    return Material(prepared[:8], prepared[8:], chosen(mode), Split((), (), ()), "0" * 64)


def networks(*flags: str) -> tuple[Networks, list[str]]:
    """Networks with weights as drawn, but with statistics of their own in every BatchNorm: freezing folds them in."""
    wanted = ["--base", "4", "--bottleneck", "4", "--weight-base", "4", *flags]
    torch.manual_seed(3)
    made = Networks(for_mode(train_settings(wanted), "aligned", 1), 1).train()
    with torch.no_grad():
        for _ in range(8):
            made(torch.rand(4, 1, 32, 64))
    return made.eval(), wanted


def detectors(mode: str, *flags: str) -> tuple[Detector, torch.jit.ScriptModule]:
    """The same detector as a module and as what is saved."""
    made, wanted = networks(*flags)
    settings = for_mode(train_settings(wanted), mode, 1)
    memory = Memory(backbone()) if settings.features else None
    if memory:
        remember(memory, material(mode).fit, settings.seed)
    eager = Detector(chosen(mode).module, made, settings.score, settings.window, memory).eval()
    fit_standardisation(eager, material(mode).standardise)
    return eager, export(settings, made, material(mode))
