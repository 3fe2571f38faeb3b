"""The check of a data set: each thing wrong is named, and nothing else is."""

import io

import numpy as np
import pytest
from PIL import Image

from snag.core.errors import NoPictures
from snag.training.data.dataset import good_pictures
from snag.training.data.layout import Finding, check_layout, pictures_of
from tests.support.data_sets import data_set, mask, png, write_folder


def findings_of(folder, files, gone=()):
    """(severity, kind, path) of each finding."""
    write_folder(folder, {name: content for name, content in files.items() if name not in gone})
    return [(finding.severity, finding.kind, finding.path) for finding in check_layout(folder)]


def encoded(seed, form, size=8):
    """A picture in another format with the pixels of `png(seed)`."""
    stream = io.BytesIO()
    Image.open(io.BytesIO(png(seed, size))).save(stream, form)
    return stream.getvalue()


def test_sound_data_set(tmp_path):
    """A sound data set, with companions, has nothing wrong, and its pictures are counted by folder."""
    files = data_set() | {"license.txt": b"", "readme.txt": b"", "sample.json": b"{}", "source.json": b"{}"}

    assert findings_of(tmp_path, files) == []
    assert pictures_of(tmp_path) == {"train/good": 2, "test/dent": 2, "test/good": 1, "ground_truth/dent": 2}


def test_train_good_alone_is_enough(tmp_path):
    """Only train/good is obligatory; good pictures may lie in groups."""
    files = {"train/good/000.png": png(0), "train/good/camera-2/000.png": png(1)}

    assert findings_of(tmp_path, files) == []


@pytest.mark.parametrize("make", [False, True])
def test_no_good_pictures(tmp_path, make):
    """Without good pictures there is nothing to learn from: an error that says what was expected."""
    if make:
        (tmp_path / "train/good").mkdir(parents=True)

    assert check_layout(tmp_path) == [
        Finding(
            "error",
            "no_good_pictures",
            "train/good",
            f"{'holds no pictures' if make else 'is missing'}; expected the pictures of good parts here",
        )
    ]


@pytest.mark.parametrize("name", ["train/good/000.png", "test/dent/000.png", "ground_truth/dent/000_mask.png"])
@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "bare"])
def test_unreadable_picture(tmp_path, name, damage):
    """A truncated, empty or otherwise unreadable picture is an error that names it; bare grey pixels are none either."""
    content = png(9, 64)
    broken = {"truncated": content[: len(content) // 2], "empty": b"", "text": b"hello", "bare": bytes(1024 * 1024)}[damage]

    assert findings_of(tmp_path, data_set() | {name: broken}) == [("error", "unreadable", name)]


def test_truncated_jpeg(tmp_path):
    """A JPEG that lost its end is decoded far enough to notice."""
    whole = encoded(0, "JPEG", 64)

    assert findings_of(tmp_path, data_set() | {"train/good/9.jpg": whole[:-40]}) == [
        ("error", "unreadable", "train/good/9.jpg")
    ]


def test_same_pixels_twice(tmp_path):
    """Equal pictures are named whatever their format: within a folder, between kinds, and between training and test."""
    files = data_set() | {
        "train/good/9.bmp": encoded(0, "BMP"),
        "test/good/9.png": png(3),
        "test/good/8.tif": encoded(1, "TIFF"),
    }

    assert findings_of(tmp_path, files) == [
        ("warning", "leak", "test/good/8.tif"),
        ("warning", "contradiction", "test/good/9.png"),
        ("warning", "duplicate", "train/good/9.bmp"),
    ]


def test_masks_and_pictures_without_each_other(tmp_path):
    """A defective picture without its mask and a mask without its picture are named."""
    files = data_set() | {"ground_truth/dent/007_mask.png": mask()}

    assert findings_of(tmp_path, files, gone=["ground_truth/dent/001_mask.png"]) == [
        ("warning", "picture_missing", "ground_truth/dent/007_mask.png"),
        ("warning", "mask_missing", "test/dent/001.png"),
    ]


def test_no_masks_at_all(tmp_path):
    """Without any ground truth one line says so, not one for each picture."""
    files = {name: content for name, content in data_set().items() if not name.startswith("ground_truth")}

    assert findings_of(tmp_path, files) == [("warning", "mask_missing", "ground_truth")]


def test_mask_of_another_size_or_blank(tmp_path):
    """A mask must have its picture's size, and mark something."""
    stream = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(stream, "PNG")
    files = data_set() | {"ground_truth/dent/000_mask.png": mask(9), "ground_truth/dent/001_mask.png": stream.getvalue()}

    assert findings_of(tmp_path, files) == [
        ("warning", "mask_size", "ground_truth/dent/000_mask.png"),
        ("warning", "mask_empty", "ground_truth/dent/001_mask.png"),
    ]
    assert check_layout(tmp_path)[0].detail == "the mask has 9 x 9 pixels, its picture 8 x 8"


def test_two_pictures_with_one_stem(tmp_path):
    """Two pictures that would share a mask are named, both: nobody knows whose it is."""
    assert findings_of(tmp_path, data_set() | {"test/dent/000.bmp": encoded(77, "BMP")}) == [
        ("warning", "ambiguous", "test/dent/000.bmp"),
        ("warning", "ambiguous", "test/dent/000.png"),
    ]


def test_empty_folders(tmp_path):
    """An empty folder of a defect or of its masks is named."""
    for name in ("test/scratch", "ground_truth/scratch"):
        (tmp_path / name).mkdir(parents=True)

    assert findings_of(tmp_path, data_set()) == [
        ("warning", "empty", "ground_truth/scratch"),
        ("warning", "empty", "test/scratch"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "notes.docx",
        "extra/000.png",
        "train/bad/000.png",
        "train/000.png",
        "test/000.png",
        "ground_truth/000_mask.png",
    ],
)
def test_file_with_no_place(tmp_path, name):
    """A file that the layout has no place for is named and not read."""
    assert findings_of(tmp_path, data_set() | {name: b"anything"}) == [("warning", "unknown", name)]


@pytest.mark.parametrize("name", ["000.png", "000_mask.bmp", "000_MASK.PNG", "000-mask.tif", "000_gt.png"])
def test_a_mask_under_another_name_or_in_another_format(tmp_path, name):
    """Is taken where it can only be meant for one picture."""
    form = {"bmp": "BMP", "tif": "TIFF"}.get(name[-3:], "PNG")
    stream = io.BytesIO()
    Image.open(io.BytesIO(mask())).save(stream, form)
    files = data_set() | {f"ground_truth/dent/{name}": stream.getvalue()}

    assert findings_of(tmp_path, files, gone=["ground_truth/dent/000_mask.png"]) == []


def test_masks_that_are_read_in_a_way_one_may_not_expect(tmp_path):
    """Inverted ones, those with grey values between, two for one picture, and one that marks a defect in a good picture."""

    def drawn(pixels):
        stream = io.BytesIO()
        Image.fromarray(np.asarray(pixels, np.uint8)).save(stream, "PNG")
        return stream.getvalue()

    black_on_white = np.full((8, 8), 255)
    black_on_white[:2, :2] = 0
    files = data_set() | {
        "test/scratch/000.png": png(50),
        "ground_truth/dent/000_mask.png": drawn(black_on_white),
        "ground_truth/dent/001_mask.png": drawn(np.maximum(255 - np.arange(64).reshape(8, 8) * 9, 0)),
        "ground_truth/scratch/000_mask.png": mask(),
        "ground_truth/scratch/000_mask.bmp": mask(),
        "ground_truth/good/000_mask.png": mask(),
    }

    assert findings_of(tmp_path, files) == [
        ("warning", "mask_inverted", "ground_truth/dent/000_mask.png"),
        ("warning", "mask_soft", "ground_truth/dent/001_mask.png"),
        ("warning", "mask_of_good", "ground_truth/good/000_mask.png"),
        ("warning", "ambiguous", "test/scratch/000.png"),
    ]


def test_masks_in_the_folders_of_groups(tmp_path):
    """As evaluation reads them: test/<kind>/<group>/<picture>."""
    files = data_set() | {"test/dent/camera-2/000.png": png(60), "ground_truth/dent/camera-2/000_mask.png": mask()}

    assert findings_of(tmp_path, files) == []


@pytest.mark.parametrize("name", ["Good", "good ", "OK", "i.O.", "pass", "normal", "goods (2)", "defect-free", "良品"])
def test_a_folder_that_probably_means_good(tmp_path, name):
    """Is named; its pictures need no masks, for they are no defects."""
    assert findings_of(tmp_path, data_set() | {f"test/{name}/007.png": png(70)}) == [
        ("warning", "name_like_good", f"test/{name}")
    ]


@pytest.mark.parametrize("name", ["train/OK", "Train/good", "training/Good", "train/Good"])
def test_train_good_under_another_name(tmp_path, name):
    """The error says which folder is to be renamed."""
    files = {file.replace("train/good", name): content for file, content in data_set().items()}
    write_folder(tmp_path, files)

    first = check_layout(tmp_path)[0]

    assert first == Finding("error", "no_good_pictures", "train/good", f"is missing; {name} is there: rename it to train/good")
    with pytest.raises(NoPictures, match=f"{name} is there: rename it to train/good"):
        good_pictures(tmp_path)


def test_masks_in_a_folder_of_another_name(tmp_path):
    """Are not read, and it is said."""
    files = {name.replace("ground_truth", "masks"): content for name, content in data_set().items()}

    found = {(kind, path) for _, kind, path in findings_of(tmp_path, files)}

    assert {("name_like_another", "masks"), ("mask_missing", "ground_truth")} <= found


def test_errors_come_first(tmp_path):
    """What stops training stands above what does not."""
    files = data_set() | {"train/good/zzz.png": b"", "extra.txt": b""}

    assert [severity for severity, _, _ in findings_of(tmp_path, files)] == ["error", "warning"]
