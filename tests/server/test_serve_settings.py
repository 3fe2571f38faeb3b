"""What can be said about a server when it is started, and who may then ask it."""

import pytest
from pydantic import ValidationError

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
    @pytest.mark.parametrize("name", ["inference_host", "management_host", "metrics_host"])
    def test_hosts(self, name):
        """Addresses are taken in any spelling, and refused by name."""
        assert getattr(from_flags(ServeSettings, ["--model", "bolt", f"--{name.replace('_', '-')}", "[::1]"]), name) == "::1"
        with pytest.raises(BadConfig, match=f"{name} = 'http://a': expected a host's name or address alone"):
            from_flags(ServeSettings, ["--model", "bolt", f"--{name.replace('_', '-')}", "http://a"])


class TestOrigins:
    @pytest.mark.parametrize(
        ("words", "origins"),
        [
            ([], []),
            (["https://a.example"], ["https://a.example"]),
            (["https://A.example:443, http://b:80,http://b:8080"], ["https://a.example", "http://b", "http://b:8080"]),
            (["https://a.example", "http://[0:0::1]:3000"], ["https://a.example", "http://[::1]:3000"]),
            (["capacitor://localhost"], ["capacitor://localhost"]),
            (["*"], ["*"]),
        ],
    )
    def test_taken(self, words, origins):
        """Origins are named with commas or with the flag again, and kept as a browser spells them."""
        flags = [part for word in words for part in ("--allowed-origins", word)]

        assert from_flags(ServeSettings, ["--model", "bolt", *flags]).allowed_origins == origins

    @pytest.mark.parametrize(
        "text",
        ["", "a.example", "https://a.example/", "https://a.example/page", "https://*.example", "null", "https://", "//a",
         "https://user@a", "https://a:b", "https://größe", "http://[::1", "http://[1::2::3]", "*,https://a", "http://a:99999"],
    )  # fmt: skip
    def test_refused(self, text):
        """What no browser would ever name is refused: it would be allowed in vain."""
        with pytest.raises(BadConfig, match=r"allowed_origins = .*expected"):
            from_flags(ServeSettings, ["--model", "bolt", "--allowed-origins", text])


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

    @pytest.mark.parametrize(
        ("host", "is_open"),
        [("::1", False), ("[::1]", False), ("::ffff:127.0.0.1", False), ("localhost", False),
         ("::", True), ("::ffff:0:0", True), ("10.0.0.1", True), ("fe80::1%eth0", True), ("line-3", True), ("127.1", True)],
    )  # fmt: skip
    def test_spellings(self, host, is_open):
        """However an address is spelt, what can be reached from elsewhere asks for a token."""
        if is_open:
            with pytest.raises(BadConfig, match="opens predictions to the network"):
                self.file_for(host)
        else:
            assert self.file_for(host) is None

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
