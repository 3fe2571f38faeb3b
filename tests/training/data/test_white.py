"""White: what it is in a set of pictures of 16 bits, and that a camera's bits make no difference to what is learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks.fuzz.handmade import packed, png, tiff, tiff_tags
from snag.core.picture import PictureLimits, decode
from snag.training.data.dataset import LIMITS
from snag.training.data.white import white_of_set
from snag.training.settings import train_settings
from snag.training.training_set import TrainingSet, read_training_set
from tests.support.asking import ASKING, COUNT
from tests.support.parts import as_bytes

#: What a camera of so many bits writes where one of 8 writes `grey`, by the name of its container.
CONTAINERS = {
    "8 bits": lambda grey: grey,
    "12 bits in 16": lambda grey: np.round(grey * (4095 / 255)).astype(np.uint16),
    "16 bits": lambda grey: grey.astype(np.uint16) * 257,
}


def save(path: Path, pixels: NDArray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(pixels, 8 * pixels.dtype.itemsize))
    return path


class TestWhite:
    @pytest.mark.parametrize(
        ("greatest", "white"), [(200, 255), (256, 1023), (4000, 4095), (4095, 4095), (4096, 16383), (65520, 65535)]
    )
    def test_it_is_the_least_range_that_holds_all(self, tmp_path, greatest, white):
        """One number for the set, grey and colour, whichever picture is the brightest; those of 8 bits have no say."""
        paths = [
            save(tmp_path / "0.png", np.full((4, 5), 255, np.uint8)),
            save(tmp_path / "1.png", np.full((4, 5), 90, np.uint16)),
            save(tmp_path / "2.png", np.full((4, 5, 3), greatest, np.uint16)),
        ]

        assert white_of_set(paths, LIMITS) == white

    def test_there_is_none_where_all_have_8_bits(self, tmp_path):
        assert white_of_set([save(tmp_path / "0.png", np.zeros((4, 5), np.uint8))], LIMITS) is None

    def test_what_can_not_be_read_has_no_say(self, tmp_path):
        """It is named by who reads it next."""
        cut = save(tmp_path / "1.png", np.full((40, 50), 60_000, np.uint16))
        cut.write_bytes(cut.read_bytes()[:-30])
        (tmp_path / "2.png").write_bytes(b"no picture")
        sound = save(tmp_path / "0.png", np.full((4, 5), 4000, np.uint16))

        assert white_of_set([sound, cut, tmp_path / "2.png"], LIMITS) == 4095

    def test_a_format_that_says_it_needs_no_guess(self, tmp_path):
        """A TIFF of 12 bits says so: its 4095 is white whatever the set's is."""
        line = packed(np.array([0, 2048, 4095, 7]), 12)
        (tmp_path / "0.tif").write_bytes(data := tiff(tiff_tags(4, 1, [12], 1), [line]))

        for white in (None, 1023, 65535):
            assert decode(data, PictureLimits(white=white)).max() == 255.0


def learnt_from(mode: str, container: str, folder: Path) -> TrainingSet:
    """What a run would learn from pictures that ask for a mode, written by such a camera."""
    data = folder / container
    for number in range(COUNT):
        save(data / f"train/good/{number:03d}.png", CONTAINERS[container](as_bytes(ASKING[mode](number))))
    flags = ["--data", str(data), "--run", str(folder / f"run of {container}"), "--pixels", "2048"]
    return read_training_set(train_settings([*flags, "--preset", "quick", "--no-features", "--calibrate-share", "0.3"]))


@pytest.mark.parametrize("mode", ASKING)
def test_the_same_pictures_are_learnt_and_judged_alike_in_any_container(mode: str, tmp_path: Path) -> None:
    """Mode, split and what the networks see, in training and of a picture that comes in another container than training's."""
    eight, twelve, sixteen = (learnt_from(mode, container, tmp_path) for container in CONTAINERS)

    assert [one.limits.white for one in (eight, twelve, sixteen)] == [None, 4095, 65535]
    for other in (twelve, sixteen):
        assert (other.choice.mode, other.split) == (eight.choice.mode, eight.split)
        assert torch.stack(list(other.fit)).allclose(torch.stack(list(eight.fit)), atol=0.02)
    grey = as_bytes(ASKING[mode](1)).clip(8, 245)
    for known in (eight, twelve, sixteen):
        seen = []
        for name, container in CONTAINERS.items():
            path = save(tmp_path / name / "test.png", container(grey))
            seen.append(known.choice.module(decode(path.read_bytes(), known.limits)))
        assert {one.reason for one in seen} == {""}
        for one in seen[1:]:
            assert one.picture.allclose(seen[0].picture, atol=0.02)


def test_one_bright_pixel_changes_nothing_but_itself(tmp_path: Path) -> None:
    """A model's white is not a picture's: with a pixel that is brighter than any in training, the others are as they were."""
    known = learnt_from("full_frame", "12 bits in 16", tmp_path)
    dark = CONTAINERS["12 bits in 16"](as_bytes(ASKING["full_frame"](1))) // 8
    bright = dark.copy()
    bright[3, 4] = 60_000

    one, other = (decode(save(tmp_path / "x.png", pixels).read_bytes(), known.limits) for pixels in (dark, bright))

    assert (one != other).nonzero().tolist() == [[0, 3, 4]]
