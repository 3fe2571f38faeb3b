"""A folder is there whole or not at all."""

import os
import platform

import pytest

from snag.core.errors import DiskFull
from snag.training.data.folders import scratch_folder, whole_folder
from tests.support.data_sets import read_folder, write_folder


def test_takes_its_place_at_the_end(tmp_path):
    """The folder appears when the block ends, in place of an older one, with nothing left beside it."""
    target = write_folder(tmp_path / "deep/sample", {"old": b"1"})

    with whole_folder(target) as folder:
        write_folder(folder, {"new/file": b"2"})
        assert read_folder(target) == {"old": b"1"}

    assert read_folder(tmp_path) == {"deep/sample/new/file": b"2"}
    assert [path.name for path in target.parent.iterdir()] == ["sample"]


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_error_leaves_the_old_one(tmp_path, error):
    """When the block raises, the older folder stays and nothing lies beside it."""
    target = write_folder(tmp_path / "sample", {"old": b"1"})

    def break_off():
        with whole_folder(target) as folder:
            write_folder(folder, {"half": b"2"})
            raise error

    with pytest.raises(error):
        break_off()

    assert read_folder(tmp_path) == {"sample/old": b"1"}
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


def test_full_disk_is_said_so(tmp_path):
    """An error of writing names the folder that could not be written."""
    with pytest.raises(DiskFull, match=r"can't write .*/sample: .*No space left"), whole_folder(tmp_path / "sample"):
        raise OSError(28, "No space left on device")

    assert list(tmp_path.iterdir()) == []


def test_target_that_can_not_be_a_folder(tmp_path):
    """A file in the way is an error of writing, and stays."""
    (tmp_path / "file").write_bytes(b"1")

    with pytest.raises(DiskFull), whole_folder(tmp_path / "file/sample"):
        pass

    assert read_folder(tmp_path) == {"file": b"1"}


def test_leavings_of_the_dead_are_removed(tmp_path):
    """What a killed process left is removed; what a living one writes, and what others called alike, stays."""
    node, dead, alive = platform.node(), 2**22 + 1, os.getppid()
    names = [f".sample.{node}-{dead}-a.part", f".sample.{node}-{dead}-b.old", f".sample.{node}-{alive}-c.part", ".sample.mine"]
    for name in [*names, f".sample2.{node}-{dead}-a.part"]:
        (tmp_path / name).mkdir()

    with scratch_folder(tmp_path / "sample"):
        pass

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names[2:], f".sample2.{node}-{dead}-a.part"])
