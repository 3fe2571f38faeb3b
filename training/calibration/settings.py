"""Settings of `snag.training.calibrate`: what the threshold is to promise, and what it is made from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from snag.cli.settings import Settings
from snag.core.calibration import LABELLED, MANUAL, SPLIT_CONFORMAL
from snag.training.calibration.compare_thresholds import Costs


class CalibrateSettings(Settings):
    """Calibrate a trained model: choose the threshold that keeps the asked false-alarm rate on good pictures."""

    data: Path = Field(Path("data/sample"), description="data set that the model was trained on")
    run: Path = Field(Path("runs/sample"), description="folder with snag.pt; calibration.json is written there")
    fpr: float = Field(0.05, gt=0, lt=1, description="target false-alarm rate")
    confidence: float = Field(0.95, ge=0.5, lt=1, description="confidence of the bound that is told beside the average rate")
    promise: Literal["average", "confidence"] = Field(
        "average",
        description="what keeps the target rate: its average over calibrations, or this threshold with the confidence",
    )
    good: Path | None = Field(None, description="folder of other good pictures to calibrate on, instead of the kept ones")
    exclude: Path | None = Field(
        None,
        description="text file: calibration pictures to leave out, for they turned out to be no good parts; one path a line",
    )
    groups: Path | None = Field(
        None, description="CSV with the columns path, group; without it the folders below train/good are the groups"
    )
    exclude_many: bool = Field(False, description="leave out more than 5 % of the calibration pictures all the same")
    threshold: float | None = Field(
        None, description="set the threshold by hand: no rate is promised; p-values still come from the scores"
    )
    threshold_from: Literal["hand", "labels"] = Field(
        "hand", description="who says that threshold: a person, or people's labels by `snag suggest-threshold`"
    )
    method: Literal["conformal", "youden", "cost"] = Field(
        "conformal", description="how the threshold is chosen; the last two look at labelled defects and promise no rate"
    )
    defects: Path | None = Field(None, description="folder of pictures of defective parts, never those of the test set")
    miss_cost: float | None = Field(None, gt=0, description="cost of a defective part that passes, in any currency")
    false_alarm_cost: float | None = Field(None, gt=0, description="cost of a good part that is rejected, in the same currency")
    defect_share: float = Field(0.01, gt=0, lt=1, description="share of defective parts on the line, for the costs")

    @property
    def by_rule(self) -> bool:
        """Whether the threshold follows from the scores and the rate alone."""
        return self.threshold is None and self.method == "conformal"

    @property
    def calibration_method(self) -> str:
        """What the calibration calls the way in which the threshold was found."""
        if self.threshold is not None:
            return LABELLED if self.threshold_from == "labels" else MANUAL
        return SPLIT_CONFORMAL if self.by_rule else self.method

    @property
    def costs(self) -> Costs | None:
        """What mistakes cost; None where that was not said."""
        if self.miss_cost is None or self.false_alarm_cost is None:
            return None
        return Costs(self.miss_cost, self.false_alarm_cost, self.defect_share)

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        problems = {
            "--threshold sets the threshold by hand, --method chooses it: leave one out": (
                self.threshold is not None and self.method != "conformal"
            ),
            "--threshold-from labels says where the threshold is from: name it with --threshold": (
                self.threshold is None and self.threshold_from == "labels"
            ),
            "only --method conformal keeps a rate with confidence or gives groups thresholds of their own": (
                not self.by_rule and (self.promise == "confidence" or self.groups is not None)
            ),
            f"--method {self.method} looks at labelled defects: name their folder with --defects": (
                self.method != "conformal" and self.defects is None
            ),
            "costs are weighed against each other: expected both --miss-cost and --false-alarm-cost, and --defects": (
                (self.miss_cost is None) != (self.false_alarm_cost is None)
                or (self.costs is not None and self.defects is None)
                or (self.method == "cost" and self.costs is None)
            ),
        }
        for sentence, applies in problems.items():
            if applies:
                raise ValueError(sentence)
        return self
