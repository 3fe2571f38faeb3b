"""From trained networks to the artefact: remember, standardise, script, freeze, and say how it came about."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch

from snag.core.errors import TrainingDiverged
from snag.core.picture import FULL
from snag.detector.detector import Detector
from snag.detector.ensemble import Ensemble
from snag.detector.fuse_batchnorm import fuse_batchnorm
from snag.detector.memory import Memory
from snag.training.augment.symmetry import SymmetricCopies
from snag.training.fit.backbone import backbone
from snag.training.fit.error_weight import error_weight
from snag.training.fit.memory import remember
from snag.training.fit.memory_of_few import FEW, remember_all
from snag.training.fit.standardisation import fit_standardisation
from snag.training.loop import History
from snag.training.plan import TrainingPlan
from snag.training.run.provenance import versions

#: What an artefact can be asked: evaluation needs more than a worker does.
METHODS: Final = ("prepare", "prepare_like", "score", "score_prepared", "map_in_picture")
SCORE_UNITS: Final = {
    "weighted": "standard deviations of good parts' weighted reconstruction error at its worst place",
    "peak": "standard deviations of good parts' squared reconstruction error at its worst place",
    "mse": "mean squared reconstruction error, prepared grey values",
}
WITH_MEMORY: Final = (
    "the root of ({error:.2f} log(1 + e))^2 + ({memory:.2f} d)^2 at the worst place, with d standard deviations of the "
    "distance to what is remembered of good pictures, and e {unit}"
)
#: Fit pictures whose scores must be finite: the last step's losses are of the weights before it.
CHECKED: Final = 8


@dataclass(frozen=True)
class Exported:
    """What is saved of a detector."""

    script: torch.jit.ScriptModule
    weights: tuple[float, float] | None  #: of memory and error, see `snag.detector.detector.Detector`; None without a memory


def export(plan: TrainingPlan, networks: Ensemble) -> Exported:
    """Standardise on parts that the networks never saw, then script and freeze. Raises TrainingDiverged."""
    settings, pictures = plan.settings, plan.pictures
    memory = Memory(backbone()) if settings.features else None
    if memory:
        remember(memory, pictures.prepared, plan.symmetries, settings.seed)
    detector = Detector(pictures.choice.module, fuse_batchnorm(networks), settings.score, settings.window, memory).eval()
    fit_maps(plan, detector)
    with torch.no_grad():
        if not all(detector.score_prepared(picture[None]).score.isfinite().all() for picture in pictures.prepared[:CHECKED]):
            raise TrainingDiverged(loss="not finite", epoch=settings.epochs, step="the last")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript in each call; that it is one is decided
        script = torch.jit.freeze(torch.jit.script(detector), preserved_attrs=list(METHODS))
    return Exported(script, (detector.memory_weight, detector.error_weight) if memory else None)


def fit_maps(plan: TrainingPlan, detector: Detector) -> None:
    """Measure on good pictures that nothing learnt from what their maps look like, and how much networks and memory weigh."""
    if not len(plan.pictures.standardise):
        return
    usual = SymmetricCopies(plan.pictures.standardise, plan.symmetries)
    fit_standardisation(detector, usual)
    if detector.memory is not None:
        random = np.random.default_rng([plan.settings.seed, 3])
        detector.error_weight = error_weight(detector, usual, lambda view: plan.with_defects(view, random))
        if len(plan.pictures.standardise) < FEW:
            # Only now: the weights come from pictures that nothing knows.
            remember_all(
                detector.memory, [*plan.pictures.prepared, *plan.pictures.standardise], plan.symmetries, plan.settings.seed
            )


def artifact_settings(
    plan: TrainingPlan, asked: dict[str, Any], history: History, weights: tuple[float, float] | None
) -> dict[str, Any]:
    """What the artefact says of itself; `asked` is what decides the result, `weights` are those of `Exported`."""
    settings, pictures, choice = plan.settings, plan.pictures, plan.pictures.choice
    memory_weight, error_weight = weights or (None, None)
    return {
        "training": asked,
        "preset": settings.preset,
        "mode": choice.mode.name,
        "phrase": choice.mode.phrase,
        "judges_border": choice.mode.judges_border,
        "why": choice.fit.why,
        "symmetry": str(plan.symmetries),
        "channels": choice.module.channels,
        "height": choice.module.height,
        "width": choice.module.width,
        "ensemble_size": settings.ensemble_size,
        "epochs": settings.epochs,
        "window": settings.window,
        "score": settings.score,
        "features": settings.features,
        "memory_weight": memory_weight,
        "error_weight": error_weight,
        "score_unit": _unit(SCORE_UNITS[settings.score], weights),
        "data_digest": pictures.data_digest,
        "max_pixels": pictures.limits.max_pixels,
        "max_side": pictures.limits.max_side,
        "white": FULL if settings.exposure == "raw" and pictures.limits.white is None else pictures.limits.white,
        "fit_pictures": len(pictures.fit),
        "standardise_pictures": len(pictures.standardise),
        "last_loss": {name: values[-1] for name, values in history.items()},
        "versions": versions(),
    }


def _unit(of_error: str, weights: tuple[float, float] | None) -> str:
    """What one unit of the anomaly score means."""
    if weights is None:
        return of_error
    memory_weight, error_weight = weights
    return WITH_MEMORY.format(error=error_weight, memory=memory_weight, unit=of_error)
