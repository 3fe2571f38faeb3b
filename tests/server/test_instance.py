"""One server for each folder: whose process it is, how it ends, and what ends with it."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from snag.cli.lock import is_locked
from snag.core.errors import ServerBusy
from snag.server.state.instance import Instance, Note, end_orphans

ROOT = Path(__file__).parents[2]


class TestInstance:
    @staticmethod
    def keeper(folder):
        """A process that holds the lock of a keeper, and is remembered as one."""
        program = (
            "import os, sys, time; from pathlib import Path; from snag.server.state.instance import Instance, Note\n"
            "instance = Instance(Path(sys.argv[1]))\n"
            "with instance.kept():\n"
            "    instance.remember(Note(os.getpid(), 'f', 0.0)); print('held', flush=True); time.sleep(60)"
        )
        process = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, cwd=ROOT)
        assert process.stdout.readline() == b"held\n"
        return process

    def test_only_our_own_process(self, tmp_path):
        """A note alone is no running server, whoever has its process id now."""
        instance = Instance(tmp_path)
        assert (instance.process(), instance.stop()) == (None, False)

        instance.remember(Note(os.getpid(), "f", 0.0))

        assert instance.process() is None
        assert instance.stop() is False
        assert instance.note() is None

    def test_its_keeper_is_found_and_ended(self, tmp_path):
        """Whoever holds the lock is the server; a second one can't be."""
        instance = Instance(tmp_path)
        with self.keeper(tmp_path) as process:
            assert instance.process() == psutil.Process(process.pid)
            with pytest.raises(ServerBusy, match="its server runs already"), instance.kept():
                pass

            assert instance.stop() is True

            assert not psutil.pid_exists(process.pid)
        assert instance.process() is None

    def test_a_look_keeps_nobody_out(self, tmp_path):
        """Whoever looks whether there is a keeper holds the lock for a moment; a keeper that starts just then waits for it."""
        look = (
            "import fcntl, sys, time; file = open(sys.argv[1], 'ab'); fcntl.flock(file, fcntl.LOCK_SH)\n"
            "print(flush=True); time.sleep(0.2)"
        )
        with subprocess.Popen([sys.executable, "-c", look, str(tmp_path / "keeper.lock")], stdout=subprocess.PIPE) as looking:
            assert looking.stdout.readline() == b"\n"

            with Instance(tmp_path).kept():
                assert is_locked(tmp_path / "keeper.lock")

    def test_a_killed_keeper_holds_nothing(self, tmp_path):
        """After kill -9 the folder is free at once, and the temporary folder goes."""
        instance = Instance(tmp_path)
        (tmp_path / "tmp").mkdir()
        with self.keeper(tmp_path) as process:
            process.kill()
            process.wait()
        instance.remember(Note(1, "f", 0.0, temporary=str(tmp_path / "tmp")))

        assert instance.process() is None
        assert instance.stop() is False
        assert not (tmp_path / "tmp").exists()

    def test_orphans_are_ended(self, tmp_path):
        """A worker of a killed TorchServe is known by its socket, and ended; nobody else is."""
        sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
        with (
            subprocess.Popen([*sleep, "--sock-name", str(tmp_path / ".ts.sock.9000")]) as worker,
            subprocess.Popen([*sleep, str(tmp_path / "notes.txt")]) as other,
        ):
            end_orphans(str(tmp_path))

            assert not psutil.pid_exists(worker.pid)
            assert other.poll() is None
            other.kill()

    def test_one_change_at_a_time(self, tmp_path):
        """While one command changes what is served, another is refused."""
        instance = Instance(tmp_path)

        with (
            instance.changing(),
            pytest.raises(ServerBusy, match="another command is changing what is served"),
            Instance(tmp_path).changing(patience=0.0),
        ):
            pass


class TestDieWithParent:
    def test_a_child_dies_with_its_parent(self):
        """Kill the parent with -9, and the child is gone too."""
        program = (
            "import subprocess, sys, time; from snag.server.supervise.die_with_parent import die_with_parent\n"
            "child = subprocess.Popen(['sleep', '60'], preexec_fn=die_with_parent())\n"
            "print(child.pid, flush=True); time.sleep(60)"
        )
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT) as parent:
            child = psutil.Process(int(parent.stdout.readline()))
            assert child.is_running()

            parent.kill()

            psutil.wait_procs([child], timeout=5)
            assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
