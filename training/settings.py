"""Settings of a training run: defaults < preset (training/presets/*.toml) < file (--config) < flags."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from snag.cli.settings import from_flags
from snag.core.errors import BadConfig
from snag.detector.memory import FINER
from snag.training.data.picture_settings import PictureSettings
from snag.training.modes import AUTO, MODES
from snag.training.modes.mode import Mode

PRESETS: Final = Path(__file__).parent / "presets"
RAW_MODES: Final = [mode.name for mode in MODES.values() if mode.may_be_raw]


class TrainSettings(PictureSettings):
    """Train an autoencoder on good pictures and export the detector as TorchScript."""

    data: Path = Field(Path("data/sample"), description="data set in MVTec layout; only train/good is read")
    run: Path = Field(Path("runs/sample"), description="folder for checkpoints, curves and the artefact")
    preset: str = Field("default", description="quick, default, scratch or baseline; a file training/presets/<preset>.toml")
    config: Path | None = Field(None, description="TOML file of settings, over the preset and under the flags")
    seed: int = Field(0, ge=0, description="the same seed on the same machine gives the same weights")
    nproc: int = Field(1, ge=1, description="processes on this machine that share each batch, one thread each")
    hosts: int = Field(1, ge=1, description="machines that take part, each with the same command")
    rendezvous: str | None = Field(None, description="host:port of one of several machines, where they meet")

    fresh: bool = Field(False, description="train anew even where a finished model is; its files are kept as *.old.*")
    keep_finished: bool = Field(False, description="keep a finished model whatever made it, and say what differs")

    standardise_share: float | None = Field(
        None, ge=0, lt=0.5, description="share of the good pictures that give the usual error (unset: by their number)"
    )
    calibrate_share: float | None = Field(
        None, ge=0, lt=0.6, description="share of the good pictures kept for calibration (unset: by their number)"
    )
    lots: str | None = Field(
        None,
        description="calibrate on lots that training never saw: folder (first one below train/good), date (of the files), "
        "or a CSV with the columns path, lot",
    )

    mode: str = Field(
        AUTO, description="; ".join(["auto: by the pictures", *(f"{mode.name}: {mode.phrase}" for mode in MODES.values())])
    )
    exposure: Literal["normalised", "raw"] = Field(
        "normalised", description=f"raw: grey values as they are, only for mode {' or '.join(RAW_MODES)}"
    )
    colour: Literal["auto", "grey", "colour"] = Field("auto", description="channels that the network sees")
    pixels: int | None = Field(
        None,
        ge=1024,
        le=4_200_000,
        description="pixels that the networks see, at most about; the memory sees four times as many (unset: by mode)",
    )

    autoencoder: Literal["bottleneck", "baseline"] = Field("bottleneck", description="reconstruction network")
    base_channels: int = Field(16, ge=4, le=256, description="channels at half resolution of the bottleneck autoencoder")
    bottleneck: int = Field(32, ge=1, le=1024, description="channels at 1/16 of the resolution")
    weight_channels: int = Field(12, ge=4, le=128, description="channels of the weight network")
    ensemble_size: int | None = Field(
        None, ge=1, le=16, description="pairs of networks whose reconstructions and weights are averaged (unset: by mode)"
    )
    score: Literal["weighted", "peak", "mse"] = Field("weighted", description="what becomes the anomaly score")
    features: bool = Field(True, description="also compare with what ImageNet's features remember of good parts")
    window: int | None = Field(None, ge=1, le=63, description="side of the local average, pixels, odd (unset: by mode)")

    ssim_weight: float = Field(0.84, ge=0, le=1, description="alpha of the loss (1 - alpha) * MSE + alpha * (1 - SSIM)")
    mse_scale: float = Field(10.0, gt=0, description="factor on the MSE term")
    inpaint_defects: bool = Field(True, description="learn to repair synthetic defects instead of only to repeat good parts")

    effort: float = Field(
        0.25, gt=0, le=10, description="share of the steps that networks need to tell good from defective by themselves"
    )
    epochs: int | None = Field(None, ge=1, description="passes over the fit pictures (unset: by mode and effort)")
    batch_size: int = Field(8, ge=1, description="pictures a step")
    learning_rate: float = Field(4e-3, gt=0, description="AdamW's, at the top of the one-cycle schedule")
    weight_decay: float = Field(1e-4, ge=0, description="AdamW's")
    ema_decay: float = Field(0.98, ge=0, lt=1, description="decay of the moving average of the weights; 0 takes the last ones")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="auto: bfloat16 where the hardware has it")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: the GPU where there is one")

    rotation: float | None = Field(
        None, ge=0, le=180, description="augmentation: degrees either way (unset: by mode and symmetry)"
    )
    shift: float | None = Field(None, ge=0, le=1, description="augmentation: share of the side (unset: by mode)")
    shear: float | None = Field(None, ge=0, le=45, description="augmentation: degrees (unset: by mode)")
    zoom: float | None = Field(None, ge=0, lt=1, description="augmentation: share either way (unset: by mode)")
    flip: bool | None = Field(None, description="augmentation: horizontal flip (unset: where whole pictures allow it)")
    half_turn: bool | None = Field(None, description="augmentation: by 180 degrees (unset: where whole pictures allow it)")
    noise: float = Field(0.01, ge=0, le=0.5, description="augmentation: noise up to this deviation")
    blur: float = Field(0.6, ge=0, le=5, description="augmentation: Gaussian blur up to this sigma, pixels")
    gain: float = Field(0.03, ge=0, le=0.9, description="augmentation: gain either way")
    gamma: float | None = Field(None, ge=0, le=0.9, description="augmentation: tone curve, share either way (unset: by mode)")
    overexposure: float | None = Field(
        None, ge=0, lt=1, description="augmentation: up to this share white, as under too much light (unset: by mode)"
    )

    @property
    def finer(self) -> int:
        """Times more pixels a side that are prepared than the networks see."""
        return FINER if self.features else 1

    @field_validator("window")
    @classmethod
    def _odd(cls, window: int | None) -> int | None:
        if window is not None and window % 2 == 0:
            raise ValueError("a window has a middle pixel: expected an odd number")
        return window

    @field_validator("mode")
    @classmethod
    def _known(cls, mode: str) -> str:
        if mode not in (AUTO, *MODES):
            raise ValueError(f"expected one of {', '.join((AUTO, *MODES))}")
        return mode

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if (self.standardise_share or 0.0) + (self.calibrate_share or 0.0) >= 0.9:
            raise ValueError(
                "standardise_share and calibrate_share together leave nothing to learn from: expected less than 0.9"
            )
        if self.exposure == "raw" and self.mode not in RAW_MODES:
            raise ValueError(
                f"other modes measure a picture against itself: expected mode {' or '.join(RAW_MODES)} with exposure raw"
            )
        if self.features and self.score == "mse":
            raise ValueError(
                "features add to the peak of a map: expected score weighted or peak with features, or --no-features"
            )
        if self.features and self.standardise_share == 0:
            raise ValueError(
                "a memory is measured by good pictures that it does not remember: expected a standardise_share above 0 with "
                "features, or --no-features"
            )
        return self

    @model_validator(mode="after")
    def _team(self) -> Self:
        if self.nproc * self.hosts > self.batch_size:
            raise ValueError(
                f"nproc = {self.nproc} on hosts = {self.hosts} is more processes than a batch has pictures: "
                f"expected at most {self.batch_size} in all, or a larger batch_size"
            )
        if (self.hosts > 1) != bool(self.rendezvous):
            raise ValueError(
                f"hosts = {self.hosts}, rendezvous = {self.rendezvous}: expected both for several machines, neither for one"
            )
        if self.rendezvous and not re.fullmatch(r"[^\s:/]+:[1-9]\d{0,4}", self.rendezvous):
            raise ValueError(f"rendezvous = {self.rendezvous!r}: expected host:port")
        return self


class SettledSettings(TrainSettings):
    """With what the mode decides."""

    ensemble_size: int
    epochs: int
    window: int
    wide_context: bool
    pos_weight: float


#: What is gained by seeing a handful of pictures once more is not worth the writing of another checkpoint.
MOST_EPOCHS: Final = 1000


def settle(asked: TrainSettings, mode: Mode, steps: int) -> SettledSettings:
    """What is asked for, and by the mode, what is not; an epoch takes so many steps."""
    epochs = min(MOST_EPOCHS, max(1, round(asked.effort * mode.steps / steps)))
    decided = {"ensemble_size": mode.ensemble_size, "window": mode.window, "epochs": epochs}
    unset = {name: value for name, value in decided.items() if getattr(asked, name) is None}
    fixed = {"wide_context": mode.wide_context, "pos_weight": mode.pos_weight}
    return SettledSettings.model_construct(**(dict(asked) | unset | fixed))


def train_settings(argv: list[str] | None) -> TrainSettings:
    """Settings from flags, preset and file. Raises BadConfig."""
    return from_flags(TrainSettings, argv, _files)


def _files(flags: dict[str, Any]) -> list[Path]:
    preset = PRESETS / f"{flags.get('preset', 'default')}.toml"
    if not preset.is_file():
        known = ", ".join(sorted(path.stem for path in PRESETS.glob("*.toml")))
        raise BadConfig(detail=f"unknown preset {preset.stem!r}; known are {known}")
    return [preset, *([Path(flags["config"])] if flags.get("config") else [])]
