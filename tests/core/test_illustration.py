"""What an answer shows besides its verdict, drawn by the tiny detector: a map that is (grey - 0.5)² on 16 x 16 cells."""

import base64
import dataclasses
import io

import numpy as np
import pytest
import torch
from PIL import Image

from snag.core import heatmap
from snag.core.artifact import Artifact
from snag.core.calibration import Calibration
from snag.core.group import Group
from snag.core.illustration import Illustrator
from snag.core.wire import WANTED
from tests.support.fakes import tiny_artifact, tiny_calibration


@pytest.fixture
def artifact(tmp_path) -> Artifact:
    return tiny_artifact(tmp_path)


@pytest.fixture
def calibration(tmp_path, artifact) -> Calibration:
    """40 scores 0.001 .. 0.040, threshold 0.039."""
    return tiny_calibration(tmp_path, artifact)


def part(*spots: tuple[int, int, int]) -> torch.Tensor:
    """Mid-grey [1, 160, 320], with cells of 10 x 20 pixels at (row, column) of another grey."""
    picture = torch.full((1, 160, 320), 128, dtype=torch.uint8)
    for row, column, grey in spots:
        picture[0, 10 * row : 10 * row + 10, 20 * column : 20 * column + 20] = grey
    return picture


def drawn(field: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(field)))


def extras(artifact, calibration, picture, wants, group=None):
    return Illustrator(artifact, calibration).extras(
        picture, artifact.score([picture])[0], wants, calibration.compared_with(group)
    )


def test_everything_has_the_size_of_the_picture_and_agrees(artifact, calibration):
    """Map, mask, colours and overlay are of the picture's size; their marks are the same pixels, those of the regions too."""
    picture = part((3, 5, 250), (12, 2, 0))

    fields = extras(artifact, calibration, picture, WANTED)

    expected = np.zeros((160, 320), dtype=bool)
    expected[30:40, 100:120] = expected[120:130, 40:60] = True
    assert list(fields) == ["heatmap", "map", "mask", "overlay", "regions"]
    assert {drawn(fields[name]).size for name in WANTED if name != "regions"} == {(320, 160)}
    assert {name: drawn(fields[name]).mode for name in ("heatmap", "map", "mask", "overlay")} == {
        "heatmap": "P",
        "map": "I;16",
        "mask": "L",
        "overlay": "RGB",
    }
    assert np.array_equal(np.asarray(drawn(fields["mask"])) == 255, expected)
    assert np.array_equal(np.asarray(drawn(fields["heatmap"])) >= 128, expected)
    assert np.array_equal(np.asarray(drawn(fields["map"])) >= 32768, expected)
    assert [(region["box"], region["area"]) for region in fields["regions"]] == [
        ([40, 120, 60, 130], 200),
        ([100, 30, 120, 40], 200),
    ]


def test_a_region_in_full(artifact, calibration):
    """Box, outline, area, peak and its place; the p-value of the highest is that of the verdict: 1 of 41 here."""
    fields = extras(artifact, calibration, part((3, 5, 255)), ["regions"])

    (region,) = fields["regions"]
    assert region == {
        "box": [100, 30, 120, 40],
        "polygon": [[100, 30], [120, 30], [120, 40], [100, 40]],
        "area": 200,
        "peak": pytest.approx(0.25),
        "peak_at": [100, 30],
        "p_value": pytest.approx(1 / 41),
    }


def test_nothing_asked_nothing_drawn(artifact, calibration):
    """A plain verdict costs no map."""
    assert extras(artifact, calibration, part((3, 5, 255)), []) == {}


def test_a_good_part_has_no_regions(artifact, calibration):
    assert extras(artifact, calibration, part(), ["regions"]) == {"regions": []}


def test_calibration_pictures_are_never_red(artifact, calibration):
    """Those above the level are violet: good parts of calibration showed as much. What shows more is red."""
    usual, more = part((3, 5, 178)), part((3, 5, 180))  # squared: 0.0391 and 0.0424; the greatest of calibration is 0.040
    colours = []
    for picture in (usual, more):
        heat = drawn(extras(artifact, calibration, picture, ["heatmap"])["heatmap"])
        colours.append(heat.convert("RGB").getpixel((105, 35)))

    assert colours[0][0] < colours[0][2]
    assert colours[1][0] > colours[1][2]


def test_a_refused_picture_has_an_empty_map(artifact, calibration):
    """Its pose is a guess, so its map points nowhere."""
    picture = part((3, 5, 255))
    refused = dataclasses.replace(artifact.score([picture])[0], reason="not_aligned")

    fields = Illustrator(artifact, calibration).extras(picture, refused, ["mask", "regions"], calibration.compared_with(None))

    assert not np.asarray(drawn(fields["mask"])).any()
    assert fields["regions"] == []


@pytest.mark.parametrize(("peak", "p_value"), [(0.05, 4 / 41), (0.25, 3 / 41), (0.9, 2 / 41)])
def test_p_value_where_scores_are_no_peaks(artifact, calibration, peak, p_value):
    """It compares the peak with the calibration maps' peaks; the picture that was refused has none, and counts against it."""
    peaks = (*(0.01,) * 37, 0.06, 0.3)
    illustrator = Illustrator(artifact, dataclasses.replace(calibration, map_level=0.04, map_peaks=peaks))
    picture = part((3, 5, 255))
    scores = artifact.score([picture])[0]
    raised = dataclasses.replace(scores, anomaly_map=scores.anomaly_map / scores.anomaly_map.max() * peak)

    assert illustrator.extras(picture, raised, ["regions"], calibration.compared_with(None))["regions"][0][
        "p_value"
    ] == pytest.approx(p_value)


def test_a_group_has_its_own_level(artifact, calibration):
    """What stops a part of one camera is marked by that camera's threshold, and its p-value is among its own pictures."""
    group = Group("camera-2", (0.1, 0.2, 0.3), 0.26)
    grouped = dataclasses.replace(calibration, groups=(group,))
    picture = part((3, 5, 250))  # 0.2307

    assert [region["p_value"] for region in extras(artifact, grouped, picture, ["regions"])["regions"]] == [1 / 41]
    assert extras(artifact, grouped, picture, ["regions"], "camera-2")["regions"] == []
    lower = dataclasses.replace(calibration, groups=(dataclasses.replace(group, threshold=0.15),))
    assert [one["p_value"] for one in extras(artifact, lower, picture, ["regions"], "camera-2")["regions"]] == [0.5]


def test_the_overlay_has_a_legend(artifact, calibration):
    """It is the heat map's overlay, but for the legend in a corner."""
    picture = part((3, 5, 255))
    scores = artifact.score([picture])[0]

    shown = np.asarray(
        Image.open(io.BytesIO(Illustrator(artifact, calibration).overlay(picture, scores, calibration.compared_with(None))))
    ).astype(int)

    plain = heatmap.overlay(picture, artifact.map_in_picture(scores, 160, 320), heatmap.scale_of(calibration))
    rows, columns = np.nonzero(np.abs(shown - np.asarray(plain)).any(axis=2))
    assert 0 < (rows.max() - rows.min()) * (columns.max() - columns.min()) < 160 * 320 / 4
    assert np.array_equal(shown[20:60, 80:140], np.asarray(plain)[20:60, 80:140])
