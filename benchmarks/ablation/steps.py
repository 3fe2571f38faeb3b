"""The steps from the baseline's recipe to Snag's, as presets and flags of snag.training.train: pure data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One row: what it adds to the row above, and how it is trained."""

    name: str
    preset: str
    flags: tuple[str, ...]


#: All take as many steps, so that the rows differ by what they name alone; the baseline's recipe at the working size of parts.
_LENGTH = ("--epochs", "80")
_SMALL = ("--pixels", "30000", *_LENGTH)
_ALONE = (*_LENGTH, "--no-features")
_BY_PEAK = (*_ALONE, "--score", "peak", "--standardise-share", "0")

STEPS = (
    Step("1 the baseline's recipe, grey values as they are", "baseline", (*_SMALL, "--exposure", "raw")),
    Step("2 + exposure taken out", "baseline", _SMALL),
    Step("3 + peak of the local mean, not the mean", "baseline", (*_SMALL, "--score", "peak")),
    Step(
        "4 + parts aligned, and the schedule of quick",
        "quick",
        ("--autoencoder", "baseline", "--no-inpaint-defects", *_BY_PEAK),
    ),
    Step("5 + a narrow bottleneck", "quick", ("--no-inpaint-defects", *_BY_PEAK)),
    Step("6 + repairs synthetic defects", "quick", _BY_PEAK),
    Step("7 + a learned weight on the error", "quick", (*_ALONE, "--standardise-share", "0")),
    Step("8 + standardised by place", "quick", _ALONE),
    Step("9 + an ensemble of three", "quick", (*_ALONE, "--ensemble-size", "3")),
    Step("10 + a memory of what ImageNet's features saw", "quick", (*_LENGTH, "--ensemble-size", "3")),
)
