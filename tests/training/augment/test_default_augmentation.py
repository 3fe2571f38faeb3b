"""How pictures are shown: the mode's ranges, the symmetries that were found, and above both what is asked for."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from snag.training.augment.augmentation import Augmentation
from snag.training.augment.default_augmentation import FULL_TURN, default_augmentation, symmetries
from snag.training.augment.symmetry import Symmetry
from snag.training.modes import MODES
from snag.training.settings import train_settings

ORIENTED_CROP, SCENE, CENTRED_CROP, FULL_FRAME = (
    MODES[name].augmentation for name in ("oriented_crop", "scene", "centred_crop", "full_frame")
)
EVERYTHING = Symmetry(flip=True, half_turn=True, any_turn=True)


def test_what_is_set_by_hand_is_shown_in_every_mode() -> None:
    settings = train_settings(["--rotation", "7", "--flip"])

    part, scene, crop, frame = (
        default_augmentation(settings, default, Symmetry()) for default in (ORIENTED_CROP, SCENE, CENTRED_CROP, FULL_FRAME)
    )

    assert (part.rotation, part.flip, frame.rotation, frame.flip) == (7, True, 7, True)
    assert scene.shift < part.shift < frame.shift
    assert part.gamma == 0 < scene.gamma == frame.gamma
    assert crop.overexposure > 0 == frame.overexposure == scene.overexposure == part.overexposure
    assert replace(crop, overexposure=0.0) == frame
    assert (part.noise, part.blur, part.gain) == (settings.noise, settings.blur, settings.gain)


def test_pictures_are_shown_in_the_symmetries_that_they_have_unless_it_is_set_otherwise() -> None:
    free, bound = train_settings([]), train_settings(["--no-flip", "--rotation", "5", "--no-half-turn"])

    hows = [
        default_augmentation(settings, default, allowed)
        for settings in (free, bound)
        for default, allowed in ((FULL_FRAME, EVERYTHING), (ORIENTED_CROP, Symmetry()))
    ]

    assert [(how.flip, how.half_turn, how.rotation) for how in hows] == [
        (True, True, FULL_TURN),
        (False, False, 0.4),
        (False, False, 5.0),
        (False, False, 5.0),
    ]


@pytest.mark.parametrize("field", [each.name for each in fields(Augmentation)])
def test_every_range_can_be_set(field: str) -> None:
    """Whatever the mode says and the pictures allow."""
    setting = field.replace("_", "-")
    is_switch = field in ("flip", "half_turn")
    settings = train_settings([f"--{setting}"] if is_switch else [f"--{setting}", "0.25"])

    for default in (ORIENTED_CROP, SCENE, CENTRED_CROP, FULL_FRAME):
        assert getattr(default_augmentation(settings, default, EVERYTHING), field) == (True if is_switch else 0.25)


@pytest.mark.parametrize("allowed", [Symmetry(), Symmetry(flip=True), Symmetry(half_turn=True), EVERYTHING])
def test_the_symmetries_that_are_shown_are_those_that_were_found(allowed: Symmetry) -> None:
    settings = train_settings([])

    assert symmetries(default_augmentation(settings, FULL_FRAME, allowed)) == allowed


def test_settings_that_forbid_a_symmetry_are_heeded_and_those_that_ask_for_one_too() -> None:
    bound, asked = train_settings(["--no-flip", "--rotation", "5"]), train_settings(["--half-turn", "--rotation", "180"])

    assert symmetries(default_augmentation(bound, FULL_FRAME, EVERYTHING)) == Symmetry(half_turn=True)
    assert symmetries(default_augmentation(asked, ORIENTED_CROP, Symmetry())) == Symmetry(half_turn=True, any_turn=True)
