"""The steps from the baseline's recipe to Snag's, as presets and flags of snag.training.train: pure data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One row: what it adds to the row above, and how it is trained."""

    name: str
    preset: str
    flags: tuple[str, ...]


#: The baseline's recipe at the working size and length of `quick`, so that the rows differ by what they name alone.
_SMALL = ("--pixels", "30000", "--epochs", "80")

STEPS = (
    Step("1 the baseline's recipe, grey values as they are", "baseline", (*_SMALL, "--exposure", "raw")),
    Step("2 + exposure taken out", "baseline", _SMALL),
    Step("3 + peak of the local mean, not the mean", "baseline", (*_SMALL, "--score", "peak")),
    Step(
        "4 + parts aligned, and the schedule of quick",
        "quick",
        ("--autoencoder", "baseline", "--no-inpaint-defects", "--score", "peak", "--standardise-share", "0"),
    ),
    Step("5 + a narrow bottleneck", "quick", ("--no-inpaint-defects", "--score", "peak", "--standardise-share", "0")),
    Step("6 + repairs synthetic defects", "quick", ("--score", "peak", "--standardise-share", "0")),
    Step("7 + a learned weight on the error", "quick", ("--standardise-share", "0")),
    Step("8 + standardised by place: quick", "quick", ()),
    Step("9 + an ensemble of three", "quick", ("--ensemble-size", "3")),
)
