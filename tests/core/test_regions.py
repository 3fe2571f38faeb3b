"""Regions of an anomaly map: against scipy.ndimage, which a worker does not have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageDraw
from scipy import ndimage

from snag.core.regions import MOST, find_regions

EIGHT = np.ones((3, 3), dtype=int)
masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=24))


def values_of(over, seed=0):
    """Distinct values: a map without ties."""
    return np.random.default_rng(seed).permutation(over.size).reshape(over.shape).astype(np.float32)


def shoelace(polygon):
    """Area inside of a closed polygon; positive when it runs clockwise on the screen."""
    x, y = np.array(polygon).T
    return (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2


def filled(polygon, shape):
    """Pixels whose centres lie inside of a polygon of pixels' edges."""
    picture = Image.new("1", (shape[1] * 4, shape[0] * 4))
    ImageDraw.Draw(picture).polygon([(4 * x, 4 * y) for x, y in polygon], fill=1)
    return np.asarray(picture)[2::4, 2::4]


@given(masks)
def test_regions_are_those_of_scipy(over):
    """Area, box, peak and its place are what scipy.ndimage finds with eight neighbours, highest peak first."""
    values = values_of(over)
    labels, count = ndimage.label(over, EIGHT)
    numbers = range(1, count + 1)
    expected = sorted(
        zip(
            ndimage.maximum(values, labels, numbers) if count else [],
            [(box[1].start, box[0].start, box[1].stop, box[0].stop) for box in ndimage.find_objects(labels)],
            np.bincount(labels.ravel())[1:],
            [(x, y) for y, x in ndimage.maximum_position(values, labels, numbers)] if count else [],
            strict=True,
        ),
        reverse=True,
    )

    found = find_regions(values, over)

    assert [(one.peak, one.box, one.area, one.peak_at) for one in found] == expected[:MOST]


@given(masks)
def test_outlines_enclose_the_region_and_its_holes(over):
    """A polygon runs clockwise inside of its box; its area is that of the region with its holes filled, within a tenth."""
    labels, _ = ndimage.label(over, EIGHT)
    areas = {}
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        whole = ndimage.binary_fill_holes(labels == number)
        areas[box[1].start, box[0].start, box[1].stop, box[0].stop, (labels == number).sum()] = whole.sum()

    for region in find_regions(values_of(over), over):
        left, top, right, bottom = region.box
        assert all(left <= x <= right and top <= y <= bottom for x, y in region.polygon)
        assert shoelace(region.polygon) == pytest.approx(areas[*region.box, region.area], rel=0.1)


def test_one_pixel():
    """The smallest region is the square of its pixel."""
    values = np.zeros((3, 4), dtype=np.float32)
    values[1, 2] = 5

    (region,) = find_regions(values, values > 1)

    assert region.box == (2, 1, 3, 2)
    assert region.polygon == ((2, 1), (3, 1), (3, 2), (2, 2))
    assert (region.area, region.peak, region.peak_at) == (1, 5.0, (2, 1))


def test_corners_join():
    """Pixels that share a corner alone are one region, and its outline goes round both."""
    over = np.eye(3, dtype=bool)

    (region,) = find_regions(over.astype(np.float32), over)

    assert region.area == 3
    assert shoelace(region.polygon) == 3
    assert len(region.polygon) == 12


def test_spiral_is_one_region():
    """A path that winds through the whole picture is followed to its end."""
    over = np.zeros((201, 201), dtype=bool)
    for ring in range(0, 100, 2):
        over[ring, ring : -1 - ring] = over[ring : -ring or None, -1 - ring] = over[-1 - ring, ring : -ring or None] = True
        over[ring + 2 : -ring or None, ring] = True
        over[ring + 2, ring : ring + 2] = True

    regions = find_regions(values_of(over), over)

    assert ndimage.label(over, EIGHT)[1] == len(regions) == 1


def test_a_round_spot_has_a_short_outline():
    """An outline is told in few corners, none of which strays from the spot by more than two pixels."""
    y, x = np.mgrid[:300, :300]
    distance = np.hypot(y - 150, x - 140)
    over = distance < 100

    (region,) = find_regions((200 - distance).astype(np.float32), over)

    radii = [np.hypot(px - 140.5, py - 150.5) for px, py in region.polygon]
    assert 8 <= len(region.polygon) <= 60
    assert max(abs(radius - 100) for radius in radii) < 2
    assert (filled(region.polygon, over.shape) == over).mean() > 0.99


def test_noise_does_not_swell_the_answer():
    """Of thousands of specks the highest are told."""
    values = np.random.default_rng(1).random((300, 300), dtype=np.float32)
    over = ndimage.maximum_filter(values, 3) == values

    regions = find_regions(values, over)

    assert len(regions) == MOST
    assert [one.peak for one in regions] == sorted(values[over].tolist(), reverse=True)[:MOST]


@given(st.integers(1, 5), st.integers(1, 5))
def test_everything_and_nothing(height, width):
    """A map that lies over the level everywhere is one region, the picture itself; one that never does has none."""
    values = np.zeros((height, width), dtype=np.float32)

    (region,) = find_regions(values, np.ones((height, width), dtype=bool))

    assert region.polygon == ((0, 0), (width, 0), (width, height), (0, height))
    assert find_regions(values, np.zeros((height, width), dtype=bool)) == []
