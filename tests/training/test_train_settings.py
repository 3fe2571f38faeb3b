"""Settings of training: default < preset < file < flag, and every mistake named."""

from __future__ import annotations

from pathlib import Path

import pytest

from snag.core.errors import BadConfig
from snag.training.modes import MODES
from snag.training.modes.mode import Mode
from snag.training.settings import MOST_EPOCHS, PRESETS, TrainSettings, settle, train_settings
from snag.training.train import main

NAMES = sorted(path.stem for path in PRESETS.glob("*.toml"))


def test_the_presets_are_the_four_that_are_promised() -> None:
    assert NAMES == ["baseline", "default", "quick", "scratch"]


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_loads_and_says_its_name(name: str) -> None:
    settings = train_settings(["--preset", name])

    assert settings.preset == name


def test_without_any_flag_the_default_preset_is_used_and_its_values_are_the_defaults() -> None:
    assert train_settings([]) == TrainSettings()


def test_the_default_preset_has_networks_and_what_imagenet_taught() -> None:
    settings = train_settings(["--preset", "default"])

    assert settings == TrainSettings()
    assert (settings.features, settings.finer, settings.effort, settings.score) == (True, 2, 0.25, "weighted")


def test_the_scratch_preset_is_the_default_one_without_what_imagenet_taught_and_four_times_the_training() -> None:
    settings = train_settings(["--preset", "scratch"])

    assert settings == TrainSettings(preset="scratch", features=False, effort=1.0)
    assert settings.finer == 1
    assert settings.effort == 4 * TrainSettings().effort


def test_the_quick_preset_is_the_default_one_with_one_pair_of_networks_and_hardly_any_training() -> None:
    settings = train_settings(["--preset", "quick"])

    assert settings == TrainSettings(preset="quick", ensemble_size=1, effort=0.02)
    assert settings.effort < TrainSettings().effort / 10


def test_the_baseline_preset_is_the_program_that_snag_replaces() -> None:
    settings = train_settings(["--preset", "baseline"])

    assert (settings.mode, settings.colour, settings.pixels) == ("full_frame", "grey", 1024 * 1024)
    assert (settings.autoencoder, settings.score, settings.inpaint_defects) == ("baseline", "mse", False)
    assert (settings.ssim_weight, settings.epochs, settings.batch_size, settings.learning_rate) == (0.84, 100, 20, 1e-4)
    assert (settings.rotation, settings.shift, settings.zoom, settings.flip) == (40, 0.2, 0.2, True)
    assert (settings.weight_decay, settings.ema_decay, settings.precision) == (0, 0, "float32")
    assert settings.features is False


def test_a_file_goes_over_the_preset_and_a_flag_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('epochs = 7\nbase_channels = 10\nmode = "full_frame"\n')

    settings = train_settings(["--preset", "quick", "--config", str(file), "--base-channels", "12"])

    assert (settings.epochs, settings.base_channels, settings.mode) == (7, 12, "full_frame")
    assert settings.pixels == train_settings(["--preset", "quick"]).pixels


def refused(arguments: list[str]) -> str:
    with pytest.raises(BadConfig) as caught:
        train_settings(arguments)
    return str(caught.value)


def test_an_unknown_preset_is_refused_and_the_known_ones_are_named() -> None:
    assert refused(["--preset", "fast"]) == "unknown preset 'fast'; known are baseline, default, quick, scratch"


def test_an_unknown_key_of_a_file_is_named_with_the_known_ones(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("epoch = 7\n")

    message = refused(["--config", str(file)])

    assert message.startswith("unknown setting 'epoch'; known are max_pixels, max_side, data, run, preset, ")
    assert ", epochs," in message


def test_an_unknown_flag_is_refused() -> None:
    assert "--epoch" in refused(["--epoch-count", "7"])


@pytest.mark.parametrize("text", [None, "epochs 7", "epochs = ", b"\xff\xfe"])
def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path: Path, text: str | bytes | None) -> None:
    file = tmp_path / "mine.toml"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    assert refused(["--config", str(file)]).startswith(f"{file}: ")


@pytest.mark.parametrize(
    ("arguments", "beginning"),
    [
        (["--epochs", "0"], "epochs = '0': input should be greater than or equal to 1"),
        (["--ssim-weight", "1.5"], "ssim_weight = '1.5': input should be less than or equal to 1"),
        (["--learning-rate", "nan"], "learning_rate = 'nan': input should be a finite number"),
        (["--learning-rate", "-1"], "learning_rate = '-1': input should be greater than 0"),
        (["--effort", "0"], "effort = '0': input should be greater than 0"),
        (
            ["--score", "mse"],
            "features add to the peak of a map: expected score weighted or peak with features, or --no-features",
        ),
        (["--seed", "x"], "seed = 'x': input should be a valid integer"),
        (["--mode", "upright"], f"mode = 'upright': expected one of {', '.join(('auto', *MODES))}"),
        (["--window", "4"], "window = '4': a window has a middle pixel: expected an odd number"),
        (
            ["--standardise-share", "0.4", "--calibrate-share", "0.5"],
            "standardise_share and calibrate_share together leave nothing to learn from: expected less than 0.9",
        ),
    ],
)
def test_a_value_out_of_range_is_named_with_what_would_be_valid(arguments: list[str], beginning: str) -> None:
    assert refused(arguments).startswith(beginning)


def test_the_command_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--epochs", "0"]) == 2

    assert capsys.readouterr().err == "error: epochs = '0': input should be greater than or equal to 1\n"


def test_help_lists_every_setting_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])

    text = capsys.readouterr().out
    assert caught.value.code == 0
    for name in TrainSettings.model_fields:
        assert f"--{name.replace('_', '-')}" in text


def test_every_setting_is_described() -> None:
    assert [name for name, field in TrainSettings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_raw_exposure_is_refused_in_every_mode_that_measures_a_picture_against_itself(mode: Mode) -> None:
    asked = ["--exposure", "raw", "--mode", mode.name]

    if mode.may_be_raw:
        assert train_settings(asked).exposure == "raw"
    else:
        assert "expected mode " in refused(asked)


def test_raw_exposure_is_refused_where_the_pictures_choose_the_mode() -> None:
    raw = [mode.name for mode in MODES.values() if mode.may_be_raw]

    assert "full_frame" in raw
    assert f"expected mode {' or '.join(raw)} with exposure raw" in refused(["--exposure", "raw"])


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_the_mode_settles_what_is_not_set_and_nothing_else(mode: Mode) -> None:
    asked = train_settings(["--preset", "scratch", "--ensemble-size", "2"])

    settled = settle(asked, mode, 40)

    assert settled.ensemble_size == 2
    assert (settled.epochs, settled.window) == (mode.steps / 40, mode.window)
    assert asked.epochs is None
    changed = {name for name in type(asked).model_fields if getattr(asked, name) != getattr(settled, name)}
    assert changed == {"epochs", "window"}


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_training_takes_about_as_many_steps_whatever_the_number_of_pictures(mode: Mode) -> None:
    asked = train_settings(["--preset", "scratch"])

    steps = [per_epoch * settle(asked, mode, per_epoch).epochs for per_epoch in (10, 28, 31, 250)]

    assert steps == pytest.approx([mode.steps] * len(steps), rel=0.1)
    assert settle(asked, mode, 10**5).epochs == 1
    assert settle(asked, mode, 2).epochs == MOST_EPOCHS
    assert settle(train_settings(["--epochs", "3"]), mode, 2).epochs == 3


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("effort", [0.05, 0.25, 1.0, 2.0])
def test_effort_is_the_share_of_the_modes_steps_that_are_taken(mode: Mode, effort: float) -> None:
    settled = settle(train_settings(["--effort", str(effort)]), mode, 20)

    assert 20 * settled.epochs == pytest.approx(effort * mode.steps, abs=10)
    assert settle(train_settings(["--effort", str(effort), "--epochs", "3"]), mode, 20).epochs == 3
