"""A mode is one thing: whatever stands in the table goes through every command, with nothing else told of it."""

from __future__ import annotations

import html
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from snag.core.artifact import load_artifact
from snag.doctor import __main__ as doctor
from snag.evaluation import evaluate
from snag.training import archive, calibrate, train
from snag.training.fit.standardisation import LEAST_WEIGHT, MOST_WEIGHT
from snag.training.modes import MODES
from snag.training.modes.mode import Mode
from tests.support.asking import ASKING, draw_asking

SMALL = ["--preset", "default", "--epochs", "1", "--batch-size", "4", "--pixels", "2048", "--calibrate-share", "0.3"]
SMALL += ["--base-channels", "4", "--bottleneck", "4", "--weight-channels", "4", "--precision", "float32"]


@dataclass(frozen=True)
class Walked:
    """What the commands left of one mode's pictures."""

    mode: Mode
    run: Path
    archive: Path


@pytest.fixture(scope="module", params=[mode for name, mode in MODES.items() if name in ASKING], ids=lambda mode: mode.name)
def walked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Walked:
    """Looked at by the doctor, trained, calibrated, evaluated and packed, by the commands; no mode is asked for by name."""
    mode: Mode = request.param
    folder = tmp_path_factory.mktemp(mode.name)
    data, run, store = draw_asking(mode.name, folder / "data"), folder / "run", folder / "model_store"
    place = ["--data", str(data), "--run", str(run)]

    assert doctor.main(place) == 0
    assert train.main([*place, *SMALL]) == 0
    assert calibrate.main([*place, "--fpr", "0.2"]) == 0
    assert evaluate.main(place) == 0
    assert archive.main(["--run", str(run), "--model", mode.name, "--model-store", str(store)]) == 0
    return Walked(mode, run, store / f"{mode.name}.mar")


def test_pictures_are_known_for_every_mode() -> None:
    """What fails when a mode is new; the other tests here go through the modes whose pictures are known."""
    for mode in MODES:
        assert mode in ASKING, (
            f"no pictures are known for mode {mode}: draw good ones that ask for it in {draw_asking.__module__}"
        )
    assert set(ASKING) == set(MODES)


def test_the_doctor_foretells_the_mode(walked: Walked) -> None:
    told = json.loads((walked.run / "doctor.json").read_text())

    assert told["mode"] == walked.mode.name
    assert f"Training will see {walked.mode.phrase}" in html.unescape((walked.run / "doctor.html").read_text())


def test_the_archive_holds_the_model_which_says_in_which_mode_it_judges(walked: Walked) -> None:
    """The card is written of what the file of the model itself says."""
    with zipfile.ZipFile(walked.archive) as packed:
        settings = json.loads(packed.read("model-card.json"))["settings"]
        assert packed.read("snag.pt") == (walked.run / "snag.pt").read_bytes()

    assert {key: settings[key] for key in ("mode", "phrase", "judges_border", "window")} == {
        "mode": walked.mode.name,
        "phrase": walked.mode.phrase,
        "judges_border": walked.mode.judges_border,
        "window": walked.mode.window,
    }


def test_every_mode_has_networks_and_a_memory(walked: Walked) -> None:
    """Unless it is told otherwise; and its map is made of what both find."""
    artifact = load_artifact(walked.run / "snag.pt")

    (found,) = artifact.score([ASKING[walked.mode.name](0)])

    assert artifact.settings["features"] is True
    assert LEAST_WEIGHT <= artifact.settings["memory_weight"] <= MOST_WEIGHT
    assert found.reason is None
    torch.testing.assert_close(found.anomaly_map, torch.hypot(found.error_map, found.memory_map))


def test_the_report_says_what_the_networks_see(walked: Walked) -> None:
    assert walked.mode.phrase in html.unescape((walked.run / "report" / "index.html").read_text())
    assert json.loads((walked.run / "report" / "metrics.json").read_text())["artifact"]["mode"] == walked.mode.name
