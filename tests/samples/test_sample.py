"""The embedded sample: what is drawn, that it is drawn again alike, and that no half-drawn folder looks whole."""

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import binary_dilation, binary_fill_holes, label
from sklearn.metrics import roc_auc_score

from snag.core.errors import BadDataset
from snag.samples.screw import GOOD, draw_part
from snag.samples.screw_defects import DEFECTS
from snag.samples.screw_picture import draw_scene, lay
from snag.samples.screw_sample import LEAST_AREA, LEAST_CONTRAST, VISIBLE, draw
from snag.training.data.layout import check_layout
from snag.training.sample import SampleSettings, main, write_sample
from tests.support.children import Child

ROOT = Path(__file__).parents[2]
SIZE = 256
SMALL = {"size": SIZE, "train_good": 2, "test_good": 1, "each_defect": 1}


def tree(folder):
    """Relative path -> bytes of every file."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def stored_pixels(path):
    """The pixels of a picture as they are stored."""
    with Image.open(path) as picture:
        return np.asarray(picture)


def brightness_auroc(lamp):
    """AUROC of the mean brightness alone, defective against good."""
    good = [draw("test/good", i, 0, SIZE, lamp).picture.mean() for i in range(16)]
    bad = [draw(f"test/{kind}", i, 0, SIZE, lamp).picture.mean() for kind in DEFECTS for i in range(3)]
    return roc_auc_score([0] * len(good) + [1] * len(bad), good + bad)


def test_default_sizes():
    """By default there are at least 120 good pictures to train with, 20 to test with, and four kinds of defect, 12 of each."""
    defaults = SampleSettings()

    assert defaults.train_good >= 120
    assert defaults.test_good >= 20
    assert len(DEFECTS) >= 4
    assert defaults.each_defect >= 12


def test_written_folder_is_a_sound_data_set(tmp_path):
    """What is written is MVTec's layout with nothing to complain of, square grey pictures and masks of 0 and 255."""
    data = tmp_path / "sample"

    assert write_sample(SampleSettings(data=data, **SMALL))

    assert check_layout(data) == []
    files = Counter(str(Path(name).parent) for name in tree(data))
    expected = {".": 1, "train/good": 2, "test/good": 1}
    expected |= {f"{top}/{kind}": 1 for top in ("test", "ground_truth") for kind in DEFECTS}
    assert files == expected
    arrays = {path: stored_pixels(path) for path in sorted(data.rglob("*.png"))}
    assert {(array.dtype, array.shape) for array in arrays.values()} == {(np.dtype(np.uint8), (SIZE, SIZE))}
    masks = [array for path, array in arrays.items() if path.stem.endswith("_mask")]
    assert all(set(np.unique(mask)) == {0, 255} for mask in masks)


def test_same_seed_same_bytes(tmp_path):
    """The same settings give the same bytes, and another seed gives others throughout."""
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        write_sample(SampleSettings(data=tmp_path / name, seed=seed, **SMALL))

    one, two, three = (tree(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    assert one.keys() == three.keys()
    assert not [name for name in one if one[name] == three[name]]


def test_second_run_does_nothing(tmp_path):
    """A second run with the same settings touches no file; one with other settings, or over a loss, draws again."""
    wanted = SampleSettings(data=tmp_path / "sample", **SMALL)
    write_sample(wanted)
    times = {path: path.stat().st_mtime_ns for path in wanted.data.rglob("*")}

    assert not write_sample(wanted)
    assert {path: path.stat().st_mtime_ns for path in wanted.data.rglob("*")} == times

    assert write_sample(wanted.model_copy(update={"lamp": True}))
    assert write_sample(wanted)
    (wanted.data / "test/dent/000.png").unlink()
    assert write_sample(wanted)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sample"]


def test_foreign_folder_is_left_alone(tmp_path):
    """A folder that holds something else is refused and kept."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")

    with pytest.raises(BadDataset, match="was not drawn by"):
        write_sample(SampleSettings(data=tmp_path / "mine", **SMALL))

    assert tree(tmp_path / "mine") == {"thesis.txt": b"years of work"}


def test_killed_run_leaves_no_folder_that_looks_whole(tmp_path):
    """SIGKILL in the middle leaves the older sample as it was, or none; the next run removes what was left over."""
    data = tmp_path / "sample"
    write_sample(SampleSettings(data=data, **SMALL))
    before = tree(data)
    with Child("snag.training.sample", ["--data", str(data), "--train-good", "5000"]) as drawing:
        give_up = time.monotonic() + 60
        while not list(tmp_path.glob(".sample.*.part/train/good/*.png")):
            assert drawing.runs
            assert time.monotonic() < give_up
            time.sleep(0.02)
        drawing.kill()

    assert tree(data) == before
    assert len(list(tmp_path.iterdir())) == 2
    write_sample(SampleSettings(data=data, seed=1, **SMALL))
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


@pytest.mark.parametrize("kind", DEFECTS)
def test_mask_covers_exactly_what_changed(kind):
    """Each mask covers every pixel that differs visibly from the sound part, but for specks, and little else."""
    for index in range(3):
        drawn = draw(f"test/{kind}", index, 0, SIZE)
        changed = np.abs(drawn.picture.astype(int) - drawn.sound) >= VISIBLE
        mask = drawn.mask > 0

        specks, _ = label(changed & ~mask, structure=np.ones((3, 3)))
        assert np.bincount(specks.ravel())[1:].max(initial=0) < 8
        assert not (mask & ~binary_fill_holes(binary_dilation(changed, iterations=2))).any()
        assert changed[mask].mean() > 0.6


@settings(max_examples=12)
@given(seed=st.integers(0, 2**31), kind=st.sampled_from(sorted(DEFECTS)))
def test_every_defect_can_be_seen(seed, kind):
    """Whatever the seed, a defect changes enough pixels, one of them clearly."""
    drawn = draw(f"test/{kind}", 0, seed, SIZE)

    assert (drawn.mask > 0).sum() >= LEAST_AREA * (SIZE / 320) ** 2
    assert np.abs(drawn.picture.astype(int) - drawn.sound).max() >= LEAST_CONTRAST


def test_good_part_has_an_empty_mask():
    """A good picture is its own sound twin."""
    drawn = draw("train/good", 0, 0, SIZE)

    assert not drawn.mask.any()
    assert np.array_equal(drawn.picture, drawn.sound)


def test_brightness_tells_nothing_by_default():
    """Exposure is drawn without regard to the kind: the mean brightness alone can't tell good from defective."""
    assert brightness_auroc(lamp=False) == pytest.approx(0.5, abs=0.12)


def test_lamp_trap_gives_defective_parts_away():
    """With the lamp trap the mean brightness alone tells nearly all defective parts, and good pictures stay as they were."""
    assert brightness_auroc(lamp=True) > 0.95
    assert np.array_equal(draw("test/good", 0, 0, SIZE, lamp=True).picture, draw("test/good", 0, 0, SIZE).picture)


def test_good_parts_really_vary():
    """Parts lie at all angles, roll, carry their thread in any phase, differ in size and exposure, and never twice alike."""
    rngs = [np.random.default_rng(i) for i in range(60)]
    parts = [draw_part(rng) for rng in rngs]
    scenes = [draw_scene(rng, i / 60) for i, rng in enumerate(rngs)]

    for angles in ([p.roll for p in parts], [p.phase for p in parts], [s.angle for s in scenes]):
        assert set(np.floor(np.array(angles) / (np.pi / 4))) == set(range(8))
    assert 0.003 < np.std([p.length for p in parts]) / np.mean([p.length for p in parts]) < 0.02
    assert max(s.gain for s in scenes) / min(s.gain for s in scenes) > 1.2
    pictures = [draw("train/good", i, 0, SIZE).picture for i in range(4)]
    assert all(np.abs(a.astype(int) - b).mean() > 3 for i, a in enumerate(pictures) for b in pictures[:i])


@pytest.mark.parametrize("degrees", [0, 44, 91, 137, 180, 226, 270, 315])
def test_part_stays_inside_the_picture(degrees):
    """The largest part in the farthest corner of its range, at any angle, does not touch the picture's edge."""
    part = replace(draw_part(np.random.default_rng(0)), head=26, flange=6, shank=68, thread=148, flange_radius=35)
    scene = replace(draw_scene(np.random.default_rng(0), 0.5), angle=np.radians(degrees))
    for across in (-12, 12):
        for down in (-12, 12):
            cover = lay(part, GOOD, replace(scene, across=across, down=down), 64, np.random.default_rng(0)).cover

            assert max(cover[0].max(), cover[-1].max(), cover[:, 0].max(), cover[:, -1].max()) == 0


def test_command(tmp_path, capsys):
    """The command draws, says so, says when there is nothing to do, and refuses a wrong setting in one line."""
    flags = ["--data", str(tmp_path / "s"), "--size", "256", "--train-good", "1", "--test-good", "1", "--each-defect", "1"]

    assert main(flags) == 0
    assert "drew 2 good and 5 defective pictures" in capsys.readouterr().out
    assert main(flags) == 0
    assert "holds this sample already" in capsys.readouterr().out
    assert main(["--data", str(tmp_path / "t"), "--size", "64"]) == 2
    assert capsys.readouterr().err == "error: size = '64': input should be greater than or equal to 256\n"
    assert not (tmp_path / "t").exists()
