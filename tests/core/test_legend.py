"""The legend of an overlay: where it lies, and that it hides nothing."""

import numpy as np
import pytest
from PIL import Image

from snag.core.heatmap import Scale
from snag.core.legend import LEAST_SIDE, with_legend

SCALE = Scale(usual=0.5, level=1.0, largest=1.25, top=2.5)


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def changed(picture, marked):
    """Where the legend was laid: bool [H, W]."""
    drawn = with_legend(Image.fromarray(picture), marked, SCALE)
    assert drawn.size == picture.shape[1::-1]
    return (np.asarray(drawn) != picture).any(axis=2)


@pytest.mark.parametrize("corner", [(slice(0, 80), slice(0, 220)), (slice(-80, None), slice(-220, None))])
def test_it_takes_the_plainest_corner(corner):
    """Where the picture has the least to show, which is not where the part is."""
    picture = noise(480, 640)
    picture[corner] = 90

    laid = changed(picture, np.zeros((480, 640), dtype=bool))

    outside = laid.copy()
    outside[corner] = False
    assert laid.any()
    assert not outside.any()


def test_it_never_hides_what_is_marked():
    """A corner with a mark is not taken, however plain it is."""
    picture, marked = noise(480, 640), np.zeros((480, 640), dtype=bool)
    picture[:80, :220], marked[20, 20] = 90, True

    laid = changed(picture, marked)

    assert laid.any()
    assert not laid[:80, :220].any()


def test_no_corner_no_legend():
    """Where every corner has a mark, or the picture is small, the overlay stays as it is."""
    marked = np.zeros((480, 640), dtype=bool)
    marked[[20, 20, -20, -20], [20, -20, 20, -20]] = True

    assert not changed(noise(480, 640), marked).any()
    assert not changed(noise(LEAST_SIDE - 1, 640), np.zeros((LEAST_SIDE - 1, 640), dtype=bool)).any()


@pytest.mark.parametrize("size", [(LEAST_SIDE, LEAST_SIDE), (320, 320), (1024, 1024), (3000, 200), (4000, 6000)])
def test_it_fits_pictures_of_all_sizes(size):
    """It takes a small part of the picture, whatever its size."""
    laid = changed(np.full((*size, 3), 128, dtype=np.uint8), np.zeros(size, dtype=bool))

    assert 0 < laid.mean() < 0.25
