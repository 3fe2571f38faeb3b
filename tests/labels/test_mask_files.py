"""Which file is whose mask: as MVTec names them, or in another way that leaves no doubt."""

from __future__ import annotations

import unicodedata
from pathlib import PurePath

import pytest

from snag.labels.mask_files import MaskFiles, mask_files


def paired(pictures: list[str], masks: list[str]) -> MaskFiles:
    return mask_files(map(PurePath, pictures), map(PurePath, masks))


def own(mask: str, picture: str = "dent/000.png") -> MaskFiles:
    return MaskFiles({PurePath(picture): PurePath(mask)}, {}, [])


@pytest.mark.parametrize(
    "mask",
    ["000_mask.png", "000.png", "000_mask.bmp", "000_mask.PNG", "000_MASK.PNG", "000-mask.tif", "000_gt.png", "000.mask.png"],
)
def test_names_that_leave_no_doubt(mask: str) -> None:
    """With or without "mask", in whatever format and case."""
    assert paired(["dent/000.png"], [f"dent/{mask}"]) == own(f"dent/{mask}")


def test_the_same_folders() -> None:
    """A picture of another kind or group is another picture."""
    found = paired(["dent/a/0.png", "dent/b/0.png"], ["dent/a/0_mask.png", "scratch/b/0_mask.png"])

    assert found == MaskFiles({PurePath("dent/a/0.png"): PurePath("dent/a/0_mask.png")}, {}, [PurePath("scratch/b/0_mask.png")])


def test_the_usual_name_comes_first() -> None:
    """Beside 000_mask.png, 000.png belongs to nobody."""
    found = paired(["dent/000.png"], ["dent/000.png", "dent/000_mask.png"])

    assert found == MaskFiles(own("dent/000_mask.png").of, {}, [PurePath("dent/000.png")])


def test_a_picture_whose_name_ends_like_a_masks() -> None:
    """Each has its own."""
    found = paired(["dent/0.png", "dent/0_mask.png"], ["dent/0_mask.png", "dent/0_mask_mask.png"])

    assert {str(picture): str(mask) for picture, mask in found.of.items()} == {
        "dent/0.png": "dent/0_mask.png",
        "dent/0_mask.png": "dent/0_mask_mask.png",
    }


def test_what_leaves_doubt_is_named() -> None:
    """Two masks of one picture, and two pictures of one mask; each picture hears of it."""
    found = paired(["dent/0.png", "dent/1.png", "dent/1.jpg"], ["dent/0_mask.png", "dent/0_mask.bmp", "dent/1_mask.png"])

    assert found == MaskFiles(
        {},
        {
            PurePath("dent/0.png"): "has several masks (0_mask.bmp, 0_mask.png); expected one",
            PurePath("dent/1.jpg"): "shares its mask with test/dent/1.png; expected different stems",
            PurePath("dent/1.png"): "shares its mask with test/dent/1.jpg; expected different stems",
        },
        [],
    )


def test_letters_composed_or_not() -> None:
    """macOS takes an umlaut apart in names."""
    apart = unicodedata.normalize("NFD", "dent/größe_mask.png")

    assert paired(["dent/größe.png"], [apart]) == own(apart, "dent/größe.png")
