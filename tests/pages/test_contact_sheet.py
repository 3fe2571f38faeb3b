"""Pictures side by side."""

import numpy as np
import pytest
import torch

from snag.pages.contact_sheet import GAP, LINE, contact_sheet


def test_pictures_lie_in_rows():
    """Grey and colour pictures of any size lie in their cells, middle in middle, shrunk but never enlarged."""
    white, red = torch.ones(1, 40, 40), torch.zeros(3, 30, 60)
    red[0] = 1.0
    small = torch.zeros(1, 10, 10)

    sheet = np.asarray(contact_sheet([white, red, small], ["a", "b", "c"], columns=2, side=30))

    assert sheet.shape == (2 * (30 + LINE + GAP) + GAP, 2 * (30 + GAP) + GAP, 3)
    first, second = GAP, GAP + 30 + GAP
    below = GAP + 30 + LINE + GAP
    assert (sheet[first : first + 30, first : first + 30] == 255).all()
    box = sheet[first : first + 30, second : second + 30]
    assert (box[8:22] == (255, 0, 0)).all()
    assert (box[:7] == 255).all()
    dark = (sheet[below : below + 30, first : first + 30] == 0).all(2)
    assert dark.sum() == 100
    assert dark[10:20, 10:20].all()


def test_flat_pictures_leave_no_empty_band():
    """A row is as tall as the tallest of the shrunken pictures, not as the cell is wide."""
    sheet = contact_sheet([torch.ones(1, 10, 120), torch.ones(1, 20, 120)], ["", ""], columns=2, side=60)

    assert sheet.height == 10 + LINE + GAP + GAP


def test_values_outside_the_range_are_clipped():
    """What augmentation pushed out of 0..1 is shown as black or white."""
    sheet = np.asarray(contact_sheet([torch.full((1, 8, 8), -3.0), torch.full((1, 8, 8), 7.0)], ["", ""], columns=2, side=8))

    assert (sheet[GAP : GAP + 8, GAP : GAP + 8] == 0).all()
    assert (sheet[GAP : GAP + 8, GAP + 8 + GAP : GAP + 8 + GAP + 8] == 255).all()


def test_long_captions_keep_to_their_cell():
    """A caption longer than its picture is cut: it does not run into the next."""
    one, two = (contact_sheet([torch.ones(1, 60, 60)] * 2, ["x" * n, ""], columns=2, side=60) for n in (500, 3))

    right = (slice(None), slice(GAP + 60 + GAP, None))
    assert np.array_equal(np.asarray(one)[right], np.asarray(two)[right])
    assert (np.asarray(one)[GAP + 60 :, : GAP + 60] < 128).any()


@pytest.mark.parametrize(("pictures", "captions"), [(0, 0), (2, 1)])
def test_captions_must_match(pictures, captions):
    """No pictures, or another number of captions, is a mistake of the caller's."""
    with pytest.raises(ValueError, match="expected as many, at least one"):
        contact_sheet([torch.zeros(1, 4, 4)] * pictures, ["a"] * captions, columns=2)
