"""How large a picture may be: one setting of training, which the model keeps and its server follows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import snag
from snag.core.errors import PictureTooLarge
from snag.core.golden import read_golden
from snag.core.picture import DEFAULT_LIMITS, PictureLimits
from snag.core.serving import ServingSettings, serving_settings
from snag.doctor import __main__ as doctor
from snag.training import ingest, train
from snag.training.export import artifact_settings
from snag.training.plan import TrainingPlan
from snag.training.settings import train_settings
from snag.training.training_set import read_training_set
from tests.support.fakes import tiny_artifact, tiny_calibration
from tests.support.parts import write_data_set

FLAGS = "--max-pixels and --max-side of training; of a server also max_pixels and max_side in model-config.yaml"


@pytest.fixture
def data(tmp_path):
    """14 pictures of 64 x 64 pixels, and one of 90 x 80."""
    folder = write_data_set(tmp_path / "data", 14, (64, 64))
    noise = np.random.default_rng(0).integers(100, 140, (90, 80), np.uint8)
    Image.fromarray(noise).save(folder / "train/good/large.png")
    return folder


def test_what_is_refused_names_the_flag(data, tmp_path, capsys):
    """Training, doctor and the check of a data set alike, before anything is learnt."""
    place = ["--data", str(data), "--run", str(tmp_path / "run")]

    assert train.main([*place, "--max-pixels", "7000"]) == 2
    said = capsys.readouterr().err
    assert f"80 x 90 pixels; at most 7000 pixels are accepted, 20000 on a side ({FLAGS})" in said
    assert doctor.main([*place, "--max-side", "89"]) == 0
    assert "large.png" in (tmp_path / "run/doctor.json").read_text()
    assert ingest.main(["--check", str(data), "--max-pixels", "7000"]) == 2
    assert "at most 7000 pixels" in " ".join(capsys.readouterr().out.split())
    assert ingest.main(["--check", str(data), "--max-pixels", "7200"]) == 0


def test_the_model_keeps_what_training_accepted(data, tmp_path):
    """And where white is, for all that judge by it."""
    flags = ["--max-pixels", "7200", "--max-side", "90", "--pixels", "1024", "--mode", "full_frame"]
    asked = train_settings(["--data", str(data), "--run", str(tmp_path / "run"), *flags])

    plan = TrainingPlan.of(asked, read_training_set(asked))

    kept = artifact_settings(plan, {}, {}, None)
    assert {name: kept[name] for name in ("max_pixels", "max_side", "white")} == {
        "max_pixels": 7200,
        "max_side": 90,
        "white": None,
    }
    assert tiny_artifact(tmp_path, **{name: kept[name] for name in ("max_pixels", "max_side", "white")}).limits == (
        PictureLimits(7200, 90, raw_shape=None, white=None)
    )


def test_brightness_that_is_judged_is_what_the_format_says(data, tmp_path):
    """A model that sees the exposure must not have it taken out by a guess of each picture's range."""
    flags = ["--pixels", "1024", "--mode", "full_frame", "--exposure", "raw"]
    asked = train_settings(["--data", str(data), "--run", str(tmp_path / "run"), *flags])

    assert artifact_settings(TrainingPlan.of(asked, read_training_set(asked)), {}, {}, None)["white"] == 65535


def test_a_server_and_a_program_accept_what_training_did(tmp_path):
    """Unless the archive's own settings say otherwise."""
    artifact = tiny_artifact(tmp_path, max_pixels=1240, max_side=40)
    tiny_calibration(tmp_path, artifact)
    assert read_golden(tmp_path / "golden.json").pictures
    inspector = snag.load(tmp_path)

    assert isinstance(inspector.judge(np.zeros((31, 40), np.uint8)), snag.Verdict)
    for shape in ((31, 41), (32, 39)):
        with pytest.raises(PictureTooLarge, match="at most 1240 pixels are accepted, 40 on a side"):
            inspector.judge(np.zeros(shape, np.uint8))
    config = serving_settings({"max_pixels": 9, "raw_height": 0})
    assert config.limits(artifact.limits) == PictureLimits(9, 40, raw_shape=None)
    assert ServingSettings().limits(artifact.limits).max_pixels == 1240


def test_a_model_from_before_there_was_a_setting_has_the_usual_limits(tmp_path):
    limits = tiny_artifact(tmp_path).limits

    assert (limits.max_pixels, limits.max_side, limits.white) == (DEFAULT_LIMITS.max_pixels, DEFAULT_LIMITS.max_side, 65535)


def test_a_set_of_deep_pictures_is_looked_at_by_its_own_white(tmp_path):
    """The doctor's brightness and its share of clipped pixels are of what the camera can say, not of the file."""
    from snag.doctor.diagnosis import diagnose

    data = tmp_path / "data" / "train" / "good"
    data.mkdir(parents=True)
    for number in range(3):
        pixels = np.full((40, 50), 2048, np.uint16)
        pixels[:10] = 4095 if number else 4000
        Image.fromarray(pixels).save(data / f"{number}.png")

    exams = diagnose(tmp_path / "data").exams

    assert [exam.clipped for exam in exams] == [0.0, 0.25, 0.25]
    assert exams[1].brightness == pytest.approx((0.25 * 4095 + 0.75 * 2048) / 4095)
    assert torch.tensor([float(exam.tile.max()) for exam in exams]).tolist() == [1.0, 1.0, 1.0]
    assert exams[0].encoding == "PNG, grey, 16 bit"
