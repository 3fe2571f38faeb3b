"""The anomaly map as a picture: one scale for all pictures of a model, pinned to its calibration pictures' maps."""

import dataclasses
import io
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from snag.core.heatmap import (
    LARGEST,
    LEVEL,
    SCALE_NOTE,
    USUAL,
    Scale,
    coloured,
    grey16,
    is_over,
    mask,
    overlay,
    png,
    position,
    scale_of,
)
from tests.support.fakes import tiny_artifact, tiny_calibration

SCALE = Scale(usual=0.5, level=1.0, largest=1.25, top=2.5)
finite = st.floats(0, 1e6, width=32)


@st.composite
def scales(draw):
    """Any scale that a calibration can give."""
    level = draw(st.floats(1e-3, 1e3))
    largest = level * draw(st.floats(1 + 1e-9, 10))
    return Scale(level * draw(st.floats(0.01, 0.99)), level, largest, 2 * largest)


@given(st.lists(finite, min_size=1, max_size=8), scales())
def test_upper_half_is_over_the_level(values, scale):
    """In each of the forms, the upper half of the scale is exactly what lies over the level."""
    anomaly_map = torch.tensor([values], dtype=torch.float32)
    over = anomaly_map.numpy().astype(np.float64) > scale.level

    assert np.array_equal(over, is_over(anomaly_map, scale))
    assert np.array_equal(over, np.asarray(grey16(anomaly_map, scale)) >= 32768)
    assert np.array_equal(over, np.asarray(coloured(anomaly_map, scale)) >= 128)
    assert np.array_equal(over * 255, np.asarray(mask(anomaly_map, scale)))


@given(st.lists(finite, min_size=1, max_size=8), scales())
def test_red_is_more_than_any_good_part_showed(values, scale):
    """Red to yellow is exactly what lies over every calibration picture's peak; up to there nothing is more red than blue."""
    anomaly_map = torch.tensor([values], dtype=torch.float32)

    red, _, blue = np.asarray(coloured(anomaly_map, scale).convert("RGB")).astype(int)[0].T

    assert np.array_equal(anomaly_map[0].numpy().astype(np.float64) > scale.largest, red > blue)


@given(st.lists(finite, min_size=2, max_size=16), scales())
def test_order_is_kept(values, scale):
    """A higher value is never drawn darker, in numbers or in luminance."""
    anomaly_map = torch.tensor([sorted(values)], dtype=torch.float32)

    assert (np.diff(np.asarray(grey16(anomaly_map, scale)).astype(int)) >= 0).all()
    # Colours are whole numbers: of two that are next to each other either may be the lighter, by less than one level.
    assert (np.diff(np.asarray(coloured(anomaly_map, scale).convert("L")).astype(int)) >= -1).all()


def test_luminance_rises_all_along():
    """From black to the brightest colour, so that a printed map is right in grey too."""
    values = torch.from_numpy(SCALE.value_at(np.arange(256) / 256))[None]

    luminance = np.asarray(coloured(values, SCALE).convert("RGB"))[0] @ np.array([0.299, 0.587, 0.114])

    assert (np.diff(luminance) > -1).all()
    assert (luminance[16:] > luminance[:-16]).all()
    assert luminance[0] == 0
    assert luminance[-1] > 230


def test_scale_is_fixed():
    """A value is drawn the same whatever else is in the picture: the scale does not stretch to the picture's own maximum."""
    quiet, loud = torch.tensor([[0.0, 0.5]]), torch.tensor([[0.0, 0.5, 99.0]])

    assert np.array_equal(np.asarray(coloured(quiet, SCALE)), np.asarray(coloured(loud, SCALE))[:, :2])


def test_pins():
    """Usual peak, level and largest good peak lie at their places, values between them on straight lines."""
    values = [[-3.0, 0.0, 0.25, 0.5, 1.0, 1.25, 2.5, 9.0]]

    assert position(torch.tensor(values), SCALE).tolist() == [[0, 0, USUAL / 2, USUAL, LEVEL, LARGEST, 1, 1]]
    assert SCALE.value_at(np.array([0, USUAL, LEVEL, LARGEST, 1])).tolist() == [0, 0.5, 1.0, 1.25, 2.5]


def test_no_number_counts_as_highest():
    """What is no number is drawn as the highest value rather than hidden."""
    broken = torch.tensor([[float("nan"), float("inf"), 0.0]])

    assert position(broken, SCALE).tolist() == [[1.0, 1.0, 0.0]]
    assert np.asarray(coloured(broken, SCALE)).tolist() == [[255, 255, 0]]


def test_overlay_leaves_alone_what_stops_no_part():
    """Up to the level the picture shows through unchanged; over it the colours cover it, and a line runs around."""
    picture = torch.arange(100, 250, 10, dtype=torch.uint8).expand(1, 1, 15)
    anomaly_map = torch.zeros(1, 15)
    anomaly_map[0, 0], anomaly_map[0, 14] = 1.0, 3.0

    drawn = np.asarray(overlay(picture, anomaly_map, SCALE))

    assert drawn[0, :11].tolist() == [[grey] * 3 for grey in range(100, 210, 10)]
    assert drawn[0, 11] == pytest.approx((255, 240, 168), abs=4)
    assert drawn[0, 12:14].tolist() == [[grey] * 3 for grey in (220, 230)]
    assert drawn[0, 14] == pytest.approx([240 * 0.4 + colour * 0.6 for colour in (255, 240, 168)], abs=3)


def test_overlay_of_deep_and_coloured_pictures():
    """Colour and 16-bit pictures are laid under in grey, the latter by the range that they use."""
    deep = torch.tensor([[[0.0, 9.96], [24.9, 24.9]]])
    colour = torch.tensor([30, 60, 90], dtype=torch.uint8)[:, None, None].expand(3, 2, 2)

    assert np.unique(np.asarray(overlay(deep, torch.zeros(2, 2), SCALE))).tolist() == [0, 102, 255]
    assert np.unique(np.asarray(overlay(colour, torch.zeros(2, 2), SCALE))).tolist() == [60]


class TestScaleOf:
    @pytest.fixture
    def calibration(self, tmp_path):
        """40 scores 0.001 .. 0.040, threshold 0.039."""
        return tiny_calibration(tmp_path, tiny_artifact(tmp_path))

    def test_of_peaks(self, calibration):
        """Where scores are the maps' peaks, the pins are their median, the threshold and their greatest."""
        assert scale_of(calibration) == Scale(0.021, 0.039, 0.040, 0.080)

    def test_of_stored_peaks(self, calibration):
        """Where they are not, or pictures were refused (their score is no peak), the peaks stand in the file."""
        refused = dataclasses.replace(calibration, scores=(*calibration.scores[:-1], 1e6), map_peaks=calibration.scores[:-1])
        mean = dataclasses.replace(calibration, map_level=0.5, map_peaks=(0.1, 0.2, 0.6))

        assert scale_of(refused) == Scale(0.020, 0.039, pytest.approx(0.039), pytest.approx(0.078))
        assert scale_of(mean) == Scale(0.2, 0.5, 0.6, 1.2)

    def test_of_a_group(self, calibration):
        """A group with a threshold of its own has its level there."""
        assert scale_of(calibration, 0.03) == Scale(0.021, 0.03, 0.040, 0.080)

    @pytest.mark.parametrize("threshold", [0.5, 0.01, 0.0, -1.0])
    def test_by_hand(self, calibration, threshold):
        """Whatever threshold is set by hand, the pins rise; where it is not positive the largest score stands in for it."""
        scale = scale_of(dataclasses.replace(calibration, threshold=threshold))

        values = [value for value, _ in scale.pins]
        assert scale.level == (threshold if threshold > 0 else 0.040)
        assert values == sorted(set(values))

    def test_of_scores_below_zero(self, calibration):
        """A model whose scores are all negative has a scale all the same."""
        scale = scale_of(dataclasses.replace(calibration, threshold=-1.0, scores=(-2.0, -1.0)))

        assert scale == Scale(0.5, 1.0, pytest.approx(1.0), pytest.approx(2.0))


class TestPng:
    @pytest.mark.parametrize(("draw", "steps"), [(coloured, 256), (grey16, 65536)])
    def test_values_come_back(self, draw, steps):
        """The file holds positions, and its note says which values they stand for: to a step of the scale they come back."""
        anomaly_map = torch.linspace(0, 2.4, 777)[None]

        with Image.open(io.BytesIO(png(draw(anomaly_map, SCALE), SCALE))) as opened:
            values, places = zip(*json.loads(opened.text[SCALE_NOTE]), strict=True)
            found = np.interp(np.asarray(opened).astype(float), places, values)

        assert places == (0, steps // 4, steps // 2, steps * 5 // 8, steps)
        assert np.abs(found - anomaly_map.numpy()).max() < 4 / steps

    def test_without_scale(self):
        """A mask needs none."""
        with Image.open(io.BytesIO(png(mask(torch.ones(2, 2), SCALE)))) as opened:
            assert opened.text == {}
