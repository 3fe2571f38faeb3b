"""The drawing kit: random numbers, folders, and what it may not be used for."""

import numpy as np
from PIL import Image

from snag.samples.kit.folders import write_drawn
from snag.samples.kit.noise import field, fog, stream
from snag.samples.kit.shapes import SIDE, Pose, disc
from tests.support.source import ROOT, files, imports


def test_a_place_has_random_numbers_of_its_own():
    """The same place of the same seed draws the same numbers, another place others; a name is a place as well."""
    same = stream(1, "test/dent", 3).random(4)

    assert np.array_equal(same, stream(1, "test/dent", 3).random(4))
    others = [stream(2, "test/dent", 3), stream(1, "test/stain", 3), stream(1, "test/dent", 4), stream(1, 5, 3)]
    assert not any(np.array_equal(same, other.random(4)) for other in others)


def test_noise_has_the_asked_shape_and_about_unit_spread():
    """Smooth noise fills the picture, around 0."""
    assert field(stream(0), 30).shape == (SIDE, SIDE)
    assert fog(stream(0), (7, 9), (50, 80)).shape == (50, 80)
    assert 0.5 < field(stream(0), 60).std() < 1.2
    assert abs(field(stream(0), 60).mean()) < 0.1


def test_a_turned_pose_has_turned_axes():
    """Turned by a quarter clockwise, what was right of the middle is below it; a disc stays where it is."""
    below, right = Pose(100, 200, 90).axes()

    assert (round(below[100, 210]), round(right[100, 210])) == (-10, 0)
    assert (round(below[110, 200]), round(right[110, 200])) == (0, 10)
    mask = disc(below, right, 20)
    assert (mask[100, 200], mask[100, 225], mask[119, 200], mask[125, 200]) == (1, 0, 1, 0)


def test_pictures_lie_where_mvtec_has_them(tmp_path):
    """A defective picture has its mask below ground_truth, a good one none; levels beyond the scale are cut off."""
    write_drawn(tmp_path, "train/good", 0, np.full((4, 4, 3), 300.0))
    write_drawn(tmp_path, "test/dent", 7, np.full((4, 4), 40, np.uint8), np.full((4, 4), 255, np.uint8))

    found = {path.relative_to(tmp_path).as_posix(): np.asarray(Image.open(path)).max() for path in tmp_path.rglob("*.png")}
    assert found == {"train/good/000.png": 255, "test/dent/007.png": 40, "ground_truth/dent/007_mask.png": 255}


def test_defects_of_training_are_not_those_that_judge_it():
    """The synthetic defects of training use nothing of the drawn sets: else a set would ask for what was taught."""
    augment = [path for path in files("training") if path.is_relative_to(ROOT / "training" / "augment")]

    assert augment
    assert not [path for path in augment if any(module.startswith("snag.samples") for module in imports(path))]
