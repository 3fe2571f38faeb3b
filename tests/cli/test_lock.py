"""A lock is held by one process at a time, whatever it lies on, and says who is refused."""

import subprocess
import sys
import time

import pytest

from snag.cli.lock import held, is_locked, locked
from snag.core.errors import BadConfig, DiskFull, ServerBusy

BUSY = ServerBusy(folder="here", detail="busy")


@pytest.fixture(params=["file", "folder"])
def path(request, tmp_path):
    """Something to lock: a file that is not there yet, or a folder that is."""
    if request.param == "file":
        return tmp_path / "below" / "a.lock"
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


class TestLocked:
    def test_one_at_a_time(self, path):
        """While one holds it, another is refused with its own error; afterwards it is free."""
        with locked(path, BUSY):
            assert is_locked(path)
            with pytest.raises(ServerBusy, match="here: busy"), locked(path, BUSY):
                pass

        assert not is_locked(path)
        with locked(path, BUSY):
            pass

    def test_waits(self, path):
        """With patience it waits until the other lets go."""
        path.parent.mkdir(exist_ok=True)
        program = "import sys, time; from pathlib import Path; from snag.cli.lock import locked\n"
        program += "with locked(Path(sys.argv[1]), ValueError()): print('held', flush=True); time.sleep(0.3)"
        with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as other:
            assert other.stdout.readline() == b"held\n"
            began = time.monotonic()

            with locked(path, BUSY, patience=20):
                assert 0 < time.monotonic() - began < 20

    def test_errors_of_the_body_are_its_own(self, path):
        """What goes wrong while the lock is held is not taken for a lock that another holds."""
        with pytest.raises(BlockingIOError, match="a pipe is full"), locked(path, BUSY):
            raise BlockingIOError("a pipe is full")

    def test_nothing_to_lock(self, tmp_path):
        """What is not there is locked by nobody, and asking makes nothing."""
        assert not is_locked(tmp_path / "a.lock")
        assert list(tmp_path.iterdir()) == []


class TestHeld:
    def test_another_command(self, tmp_path):
        """A second command is told what the first one does."""
        run = tmp_path / "run"
        with (
            held(run, "training into"),
            pytest.raises(BadConfig, match="another command is training into"),
            held(run, "training into"),
        ):
            pass

    def test_no_folder(self, tmp_path):
        """A folder that can't be made is an error of the disk."""
        (tmp_path / "run").touch()

        with pytest.raises(DiskFull, match="can't write"), held(tmp_path / "run", "training into"):
            pass

    def test_errors_of_the_body_are_its_own(self, tmp_path):
        """A file that the command itself misses is not said to be a full disk."""
        with pytest.raises(FileNotFoundError), held(tmp_path, "training into"):
            (tmp_path / "missing").read_text()
