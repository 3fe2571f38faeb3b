"""Unpacking zips that were made on Windows: a backslash is what stands between folders, and leads nowhere else."""

import zipfile

import pytest

from snag.core.errors import BadDataset
from snag.training.data.sources import Budget
from snag.training.data.unpack import unpack
from tests.support.data_sets import data_set, png, read_folder, under, write_tar


def write_windows_zip(path, files, system=0):
    """As Compress-Archive of Windows PowerShell 5 writes it: backslashes, and entries for folders."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"screw\\train\\": b"", **files}.items():
            info = zipfile.ZipInfo("x")
            info.filename, info.create_system = name.replace("/", "\\") if system == 0 else name, system
            archive.writestr(info, content)
    return path


def unpacked(source, into):
    """Names of the data sets, and their files."""
    found = unpack(source, into, None, "fallback", Budget(10_000_000, 1000))
    return found, read_folder(into)


def test_backslashes_between_folders(tmp_path):
    """Are taken as what they mean, whoever says that he made the zip, as long as nothing else stands between folders."""
    files = under("screw", data_set())

    assert unpacked(write_windows_zip(tmp_path / "a.zip", files), tmp_path / "a") == (["screw"], files)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("/", "\\"), content)
    assert unpacked(tmp_path / "b.zip", tmp_path / "b") == (["screw"], files)


ELSEWHERE = (
    "..\\..\\train\\good\\0.png",
    "screw\\train\\good\\..\\..\\..\\..\\0.png",
    "C:\\screw\\train\\good\\0.png",
    "\\\\server\\share\\train\\good\\0.png",
    "\\screw\\train\\good\\0.png",
    "screw\\../../train\\good/0.png",
)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_backslashes_that_lead_elsewhere(tmp_path, name):
    """Are refused as other names that do, and nothing is written beside the target."""
    (tmp_path / "home").mkdir()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename, info.create_system = name, 0
        archive.writestr(info, b"evil")

    with pytest.raises(BadDataset, match="expected relative names that stay inside"):
        unpacked(tmp_path / "a.zip", tmp_path / "home/out")

    assert list((tmp_path / "home").iterdir()) == []


def test_two_names_of_one_file(tmp_path):
    """One with backslashes and one without would overwrite each other."""
    path = write_windows_zip(tmp_path / "a.zip", under("screw", data_set()))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("screw/train/good/000.png", png(9))

    with pytest.raises(BadDataset, match="twice"):
        unpacked(path, tmp_path / "out")


def test_a_backslash_in_a_name_of_another_system(tmp_path):
    """Is refused: there it is part of the name."""
    odd = {"screw/train/good/a\\b.png": png(9)}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in (under("screw", data_set()) | odd).items():
            archive.writestr(name, content)

    for source in (tmp_path / "a.zip", write_tar(tmp_path / "a.tar", under("screw", data_set()) | odd)):
        with pytest.raises(BadDataset, match="expected relative names that stay inside"):
            unpacked(source, tmp_path / f"{source.name}.out")


@pytest.mark.parametrize("name", ["train/OK", "Train/Good"])
def test_train_good_under_another_name(tmp_path, name):
    """The refusal says what to rename."""
    files = {file.replace("train/good", name): content for file, content in data_set().items()}

    with pytest.raises(BadDataset, match=f"screw/{name} is there: rename it to train/good"):
        unpacked(write_tar(tmp_path / "a.tar", under("screw", files)), tmp_path / "out")
