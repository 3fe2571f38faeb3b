"""The anomaly map as a picture."""

import dataclasses
import io

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from snag.heatmap import coloured, grey, grey16, level_of, mask, overlay, png, position
from tests.fakes import tiny_artifact, tiny_calibration

finite = st.floats(0, 1e6, width=32)


@given(st.lists(finite, min_size=1, max_size=8), st.floats(1e-3, 1e3))
def test_upper_half_is_over_the_level(values, level):
    """In each of the forms, the upper half of the scale is exactly what lies over the level."""
    anomaly_map = torch.tensor([values], dtype=torch.float32)
    over = anomaly_map.numpy() > level

    assert np.array_equal(over, np.asarray(grey(anomaly_map, level)) >= 128)
    assert np.array_equal(over, np.asarray(grey16(anomaly_map, level)) >= 32768)
    assert np.array_equal(over, np.asarray(coloured(anomaly_map, level)) >= 128)
    assert np.array_equal(over * 255, np.asarray(mask(anomaly_map, level)))


@given(st.lists(finite, min_size=2, max_size=16), st.floats(1e-3, 1e3))
def test_order_is_kept(values, level):
    """A higher value is never drawn darker, in numbers or in luminance."""
    anomaly_map = torch.tensor([sorted(values)], dtype=torch.float32)

    for picture in (grey(anomaly_map, level), grey16(anomaly_map, level), coloured(anomaly_map, level).convert("L")):
        assert (np.diff(np.asarray(picture).astype(int)) >= 0).all()


def test_scale_is_fixed():
    """A value is drawn the same whatever else is in the picture: the scale does not stretch to the picture's own maximum."""
    quiet, loud = torch.tensor([[0.0, 0.5]]), torch.tensor([[0.0, 0.5, 99.0]])

    assert np.array_equal(np.asarray(grey(quiet, 1.0)), np.asarray(grey(loud, 1.0))[:, :2])


def test_good_parts_are_not_red():
    """Below the level no colour is more red than blue; above it every one is."""
    red, _, blue = np.asarray(coloured(torch.linspace(0, 2, 1000)[None], 1.0).convert("RGB")).astype(int)[0].T
    over = torch.linspace(0, 2, 1000).numpy() > 1

    assert (red <= blue)[~over].all()
    assert (red > blue)[over].all()


def test_no_number_counts_as_highest():
    """What is no number is drawn as the highest value rather than hidden."""
    broken = torch.tensor([[float("nan"), float("inf"), 0.0]])

    assert position(broken, 1.0).tolist() == [[1.0, 1.0, 0.0]]
    assert np.asarray(grey(broken, 1.0)).tolist() == [[255, 255, 0]]


def test_overlay_leaves_quiet_places_alone():
    """Up to half the level the picture shows through unchanged; over the level the colours cover it."""
    picture = torch.tensor([[[10, 100, 250]]], dtype=torch.uint8)

    drawn = np.asarray(overlay(picture, torch.tensor([[0.0, 0.5, 3.0]]), 1.0))

    assert drawn[0, :2].tolist() == [[10, 10, 10], [100, 100, 100]]
    assert drawn[0, 2].tolist() == [round(250 * 0.4 + colour * 0.6) for colour in (255, 240, 168)]


def test_overlay_of_deep_and_coloured_pictures():
    """Colour and 16-bit pictures are laid under in grey."""
    deep = torch.full((1, 2, 2), 99.6, dtype=torch.float32)
    colour = torch.tensor([30, 60, 90], dtype=torch.uint8)[:, None, None].expand(3, 2, 2)

    assert np.unique(np.asarray(overlay(deep, torch.zeros(2, 2), 1.0))).tolist() == [100]
    assert np.unique(np.asarray(overlay(colour, torch.zeros(2, 2), 1.0))).tolist() == [60]


def test_level(tmp_path):
    """The middle of the scale is the threshold, or the largest calibration score where a threshold by hand is not positive."""
    calibration = tiny_calibration(tmp_path, tiny_artifact(tmp_path))

    assert level_of(calibration) == calibration.threshold == 0.039
    assert level_of(dataclasses.replace(calibration, threshold=0.0)) == 0.040
    assert level_of(dataclasses.replace(calibration, threshold=-1.0, scores=(-2.0, -1.0))) == 1.0


def test_png_keeps_the_numbers():
    """The written file gives back the positions on the scale."""
    anomaly_map = torch.linspace(0, 2, 256)[None]

    assert np.array_equal(Image.open(io.BytesIO(png(coloured(anomaly_map, 1.0)))), grey(anomaly_map, 1.0))
