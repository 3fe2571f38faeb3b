"""What can be said about a server when it is started, and who may then ask it."""

import pytest
from pydantic import ValidationError

from snag.cli.hosts import is_loopback
from snag.cli.settings import from_flags
from snag.core.errors import BadArtifact, BadConfig
from snag.gate.token import main as token
from snag.server.authentication import token_file
from snag.server.settings import ServeSettings


class TestModels:
    @pytest.mark.parametrize(
        ("words", "models"),
        [
            (["--model", "bolt"], ["bolt"]),
            (["--model", "bolt,nut"], ["bolt", "nut"]),
            (["--model", "bolt", "--model", "nut"], ["bolt", "nut"]),
            (["--model", "all"], ["all"]),
        ],
    )
    def test_several(self, words, models):
        """Several models are named with commas or with the flag again."""
        assert from_flags(ServeSettings, words).model == models

    @pytest.mark.parametrize("name", ["", "../bolt", "a/b", "-x", "a,,b", "a b", "ä"])
    def test_names(self, name):
        """A name that is none of TorchServe's, or leads elsewhere, is refused."""
        with pytest.raises(ValidationError, match="expected letters, digits"):
            ServeSettings(model=[name])


class TestAddresses:
    @pytest.mark.parametrize(
        ("host", "expected"),
        [("127.0.0.1", True), ("127.3.2.1", True), ("::1", True), ("localhost", True), ("::", False),
         ("192.168.1.5", False), ("example.org", False)],
    )  # fmt: skip
    def test_is_loopback(self, host, expected):
        """Only what stays on this machine is loopback."""
        assert is_loopback(host) is expected


class TestTokenFile:
    @pytest.fixture(autouse=True)
    def place(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("SNAG_AUTH", raising=False)

    @staticmethod
    def file_for(host="127.0.0.1", **more):
        return token_file(ServeSettings(model=["bolt"], inference_host=host, **more))

    def test_loopback(self, tmp_path):
        """On loopback nobody needs a token, unless a file is named."""
        assert self.file_for() is None
        assert token(["add", "--name", "a", "--tokens", "t.json"]) == 0
        assert self.file_for(tokens="t.json") == tmp_path / "t.json"

    def test_network(self, tmp_path):
        """On a network a file of tokens is needed; where there is none, that is said with both ways out."""
        with pytest.raises(BadConfig, match=r"opens predictions to the network, .* SNAG_AUTH=off lets everybody in"):
            self.file_for("192.168.1.5")
        assert token(["add", "--name", "a"]) == 0
        assert self.file_for("192.168.1.5") == tmp_path / "runs" / "tokens.json"

    def test_said(self, monkeypatch):
        """SNAG_AUTH has the last word."""
        monkeypatch.setenv("SNAG_AUTH", "off")
        assert self.file_for("192.168.1.5") is None
        monkeypatch.setenv("SNAG_AUTH", "on")
        with pytest.raises(BadArtifact, match="not a file of tokens"):
            self.file_for()
        monkeypatch.setenv("SNAG_AUTH", "no")
        with pytest.raises(BadConfig, match="SNAG_AUTH=no: expected on or off"):
            self.file_for()

    def test_useless_files(self, tmp_path):
        """A file without a token, or one that others can read, is refused."""
        (tmp_path / "t.json").write_text("[]")
        (tmp_path / "t.json").chmod(0o600)
        with pytest.raises(BadConfig, match="holds no token"):
            self.file_for(tokens="t.json")
        (tmp_path / "t.json").chmod(0o644)
        with pytest.raises(BadArtifact, match="others could read it"):
            self.file_for(tokens="t.json")
