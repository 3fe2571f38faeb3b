"""How good pictures are shown in training: what is set, and what is not by mode and symmetry."""

from __future__ import annotations

from typing import Any, Final

from snag.training.augment.augmentation import Augmentation
from snag.training.augment.symmetry import Symmetry
from snag.training.settings import TrainSettings

#: Either way, degrees: any angle.
FULL_TURN: Final = 180.0


def usual_augmentation(settings: TrainSettings, mode: str, allowed: Symmetry) -> Augmentation:
    """What is set, and what is not by mode and symmetry: what was laid alike keeps its pose, but for what that leaves."""
    usual: dict[str, Any] = {"rotation": 0.4, "shift": 0.004, "shear": 0.0, "zoom": 0.01, "flip": False, "half_turn": False}
    usual["gamma"] = 0.0 if mode == "aligned" else 0.15  # measured against its table, a part loses nothing by a tone curve
    # A lamp a tenth too bright gives a bright part another colour. Scenes know what is white, surfaces are seldom so bright.
    usual["white"] = 0.3 if mode == "located" else 0.0
    if mode == "registered":  # to a tenth of a pixel
        usual |= {"rotation": 0.1, "shift": 0.001, "zoom": 0.002}
    if mode in ("located", "whole"):
        usual |= {"rotation": FULL_TURN if allowed.any_turn else 3.0, "shift": 0.02, "zoom": 0.03}
        usual |= {"flip": allowed.flip, "half_turn": allowed.half_turn}
    asked = {name: value for name in usual if (value := getattr(settings, name)) is not None}
    return Augmentation(**(usual | asked), noise=settings.noise, blur=settings.blur, gain=settings.gain)


def shown_in(how: Augmentation) -> Symmetry:
    """What the pictures allow and no setting forbids, or what a setting asks for."""
    return Symmetry(how.flip, how.half_turn, how.rotation == FULL_TURN)
