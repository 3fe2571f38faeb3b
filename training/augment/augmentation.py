"""How differently one good picture is shown in training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Augmentation:
    """Ranges to draw from, for each picture anew; 0 (or False) turns one off."""

    rotation: float = 0.0  #: degrees, either way
    shift: float = 0.0  #: share of the side, either way, each direction
    shear: float = 0.0  #: degrees, either way
    zoom: float = 0.0  #: share, either way
    flip: bool = False  #: horizontally, every other picture
    half_turn: bool = False  #: by 180 degrees, every other picture
    noise: float = 0.0  #: standard deviation, grey values 0..1, up to
    blur: float = 0.0  #: Gaussian sigma in pixels, up to
    gain: float = 0.0  #: share, either way
    gamma: float = 0.0  #: of the exponent of the tone curve, share, either way
    overexposure: float = 0.0  #: share of the values that are white as under too much light, up to, in every other picture
