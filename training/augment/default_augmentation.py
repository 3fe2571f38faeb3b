"""How good pictures are shown in training: what a mode says, what symmetries allow, what is asked for."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Final

from snag.training.augment.augmentation import Augmentation
from snag.training.augment.symmetry import Symmetry

#: Either way, degrees: any angle.
FULL_TURN: Final = 180.0


def default_augmentation(asked: object, default: Augmentation, allowed: Symmetry) -> Augmentation:
    """What is asked for by settings of the same names; else what symmetries allow; else what `default` says.

    `allowed` is what was found in pictures that may lie otherwise; for those of one pose, which keep it, none.
    """
    free = replace(
        default,
        rotation=FULL_TURN if allowed.any_turn else default.rotation,
        flip=allowed.flip or default.flip,
        half_turn=allowed.half_turn or default.half_turn,
    )
    settable: dict[str, Any] = {each.name: getattr(asked, each.name) for each in fields(default)}
    return replace(free, **{name: value for name, value in settable.items() if value is not None})


def symmetries(how: Augmentation) -> Symmetry:
    """In which pictures are shown: what they allow and no setting forbids, or what a setting asks for."""
    return Symmetry(how.flip, how.half_turn, how.rotation == FULL_TURN)
