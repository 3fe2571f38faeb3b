"""The one reading of masks: however a mask is written, it marks the same pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from snag.core.errors import BrokenPicture, UnsupportedFormat
from snag.labels.mask import Mask, read_mask
from tests.support.masks import soft, was_jpeg, ways

SHAPE = (48, 64)
MARKED = np.zeros(SHAPE, bool)
MARKED[12:30, 20:45] = True


def png(image: Image.Image | np.ndarray, form: str = "PNG") -> bytes:
    stream = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(stream, form)
    return stream.getvalue()


def numbered(*values: int) -> np.ndarray:
    """uint8: a stripe for each value, from the left, and as much that is 0."""
    picture = np.zeros(SHAPE, np.uint8)
    for place, value in enumerate(values):
        picture[5:20, 2 + 4 * place : 5 + 4 * place] = value
    return picture


@pytest.mark.parametrize("way", ways(MARKED))
def test_every_way_of_writing_a_mask_marks_the_same(way: str) -> None:
    """Black, clear or palette entry 0 is the background; grey values in between count from half on."""
    found = read_mask(png(ways(MARKED)[way]))

    is_grey = way in ("soft", "was JPEG", "was fine JPEG")
    differs = found.marked != MARKED
    near = MARKED ^ np.roll(MARKED, (1, 1), (0, 1)) | MARKED ^ np.roll(MARKED, (-1, -1), (0, 1))
    assert not (differs & ~near).any() if is_grey else not differs.any()
    assert differs.sum() <= 12
    assert (found.is_soft, found.fault(*SHAPE)) == (is_grey, None)


@pytest.mark.parametrize("form", ["BMP", "TIFF", "WEBP", "JPEG"])
def test_every_format_that_pictures_have(form: str) -> None:
    """Lossy ones by half of the brightest."""
    found = read_mask(png(ways(MARKED)["plain"], form))

    assert (found.marked != MARKED).sum() <= 12


@pytest.mark.parametrize(
    "values", [(1, 2), (1, 2, 3, 20), (85, 170, 255), (100, 200), (127, 255), (254, 255), (30, 60, 90, 120, 150, 180, 210)]
)
def test_every_kind_of_defect_counts(values: tuple[int, ...]) -> None:
    """In a mask that numbers kinds by grey values, by a palette's entries or by colours, the darkest kind counts too."""
    drawn = numbered(*values)
    indexed = Image.fromarray(drawn).convert("P")
    indexed.putpalette([(37 * entry) % 256 for entry in range(768)])
    coloured = np.zeros((*SHAPE, 3), np.uint8)
    for place, value in enumerate(values):
        coloured[drawn == value, place % 3] = 40 + value // 2

    for picture in (drawn, indexed, coloured):
        found = read_mask(png(picture))
        assert (found.marked == (drawn > 0)).all()
        assert not found.is_soft


@pytest.mark.parametrize(
    ("marked", "kind"),
    [(~MARKED, "mask_inverted"), (np.ones(SHAPE, bool), "mask_inverted"), (np.zeros(SHAPE, bool), "mask_empty")],
)
@pytest.mark.parametrize("way", ["plain", "zero and one", "was JPEG", "red", "half red on clear"])
def test_what_can_not_be_used(marked: np.ndarray, kind: str, way: str) -> None:
    """A mask that marks nothing, or most of the picture and of its edge: whoever drew it meant the rest."""
    fault = read_mask(png(ways(marked)[way])).fault(*SHAPE)

    assert fault is not None
    assert fault[0] == kind


def test_faults_are_sentences() -> None:
    """They say what was expected."""
    assert Mask(~MARKED).fault() == (
        "mask_inverted",
        "marks 85.4 % of its picture, probably inverted; expected the defect in white on black",
    )
    assert Mask(MARKED).fault(24, 32) == ("mask_size", "has 64 x 48 pixels; expected 32 x 24 as its picture")
    assert Mask(~MARKED & MARKED).fault() == ("mask_empty", "marks nothing; expected the defect in white")


def test_a_large_defect_is_no_inverted_mask() -> None:
    """What covers most of a picture but not its edge is a defect: a whole part of another colour."""
    large = np.zeros(SHAPE, bool)
    large[3:-3, 3:-3] = True

    assert read_mask(png(ways(large)["plain"])).fault(*SHAPE) is None


def test_what_is_cut_is_said() -> None:
    """Soft edges and JPEG are, whole numbers are not."""
    cut = [read_mask(png(image)).is_soft for image in (soft(MARKED), was_jpeg(MARKED, 90), numbered(1, 2), numbered(90, 180))]

    assert cut == [True, True, False, False]


@pytest.mark.parametrize(("data", "error"), [(b"text", UnsupportedFormat), (bytes(1024 * 1024), UnsupportedFormat)])
def test_what_is_no_picture(data: bytes, error: type[Exception]) -> None:
    """Is refused as the decoder refuses it, bare pixels too."""
    with pytest.raises(error):
        read_mask(data)
    with pytest.raises(BrokenPicture):
        read_mask(png(ways(MARKED)["was JPEG"])[:-40])
