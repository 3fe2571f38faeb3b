"""Tokens: their file, the command that manages it, and the gate that follows it."""

import json
import os
import stat
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core.errors import BadArtifact, Unauthorised
from snag.gate.token import main
from snag.gate.tokens import Guard, Token, digest, entry, read_tokens, write_tokens
from tests.support.torchserve import house, run, until

PREDICT = "/predictions/bolt"
A_DIGEST = digest("x")


@pytest.fixture
def path(tmp_path):
    """Where the file of tokens is."""
    return tmp_path / "secrets" / "tokens.json"


def add(path, name, capsys, *flags):
    """The token that the command prints."""
    assert main(["add", "--tokens", str(path), "--name", name, *flags]) == 0
    return capsys.readouterr().out.strip()


def guard_of(path, *tokens):
    """A guard whose file holds these."""
    write_tokens(path, tokens)
    return Guard(path, complain=lambda why: None)


def refused(guard, header):
    """Why the guard refuses the header."""
    with pytest.raises(Unauthorised) as caught:
        guard.name_of(header)
    return caught.value.details["detail"]


class TestCommand:
    def test_add(self, path, capsys):
        """A new token is printed once; the file, for its owner alone, holds its digest and never itself."""
        token = add(path, "line-3", capsys)

        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert token not in path.read_text()
        assert [(one.name, one.sha256, one.expires) for one in read_tokens(path)] == [("line-3", digest(token), None)]
        assert len(token) > 40

    def test_several(self, path, capsys):
        """Several tokens are valid at once; one is revoked without the others."""
        old, new = add(path, "old", capsys), add(path, "new", capsys, "--days", "30")
        guard = Guard(path, complain=lambda why: None)
        names = [guard.name_of(f"Bearer {token}") for token in (old, new)]

        assert main(["revoke", "--tokens", str(path), "--name", "old"]) == 0

        assert names == ["old", "new"]
        assert (refused(guard, f"Bearer {old}"), guard.name_of(f"Bearer {new}")) == ("unknown", "new")

    def test_list(self, path, capsys):
        """The list says of each token when it was made and how long it lasts, and nothing that would be of use to others."""
        write_tokens(
            path, (entry("a", "x", None), entry("b", "y", 1), Token("c", A_DIGEST, "then", "2001-01-01T00:00:00+00:00"))
        )

        assert main(["list", "--tokens", str(path)]) == 0

        a, b, c = capsys.readouterr().out.splitlines()
        assert (a.endswith("never expires"), " expires 2" in b) == (True, True)
        assert c == "c: made then, expired 2001-01-01T00:00:00+00:00"

    @pytest.mark.parametrize(
        ("flags", "sentence"),
        [
            (["add"], "add needs --name"),
            (["add", "--name", "a"], "there is a token 'a' already"),
            (["revoke", "--name", "b"], "there is no token 'b'; known are a"),
            (["add", "--name", "b", "--days", "0"], "days = "),
            (["add", "--name", "b", "--days", "1e12"], "days = "),
            (["grant", "--name", "b"], "action = "),
        ],
    )
    def test_refused(self, path, capsys, flags, sentence):
        """What makes no sense is refused, and the file stays as it is."""
        add(path, "a", capsys)
        before = path.read_bytes()

        assert main([*flags, "--tokens", str(path)]) == 2

        assert sentence in capsys.readouterr().err
        assert path.read_bytes() == before


class TestFile:
    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601])
    def test_open_to_others(self, path, mode):
        """A file of ours that anybody else could read is refused, with what to do."""
        write_tokens(path, (entry("a", "x", None),))
        path.chmod(mode)

        with pytest.raises(BadArtifact, match="others could read it; run chmod 600"):
            read_tokens(path)

    @pytest.mark.parametrize(("mode", "is_fine"), [(0o440, True), (0o400, True), (0o640, True), (0o444, False), (0o660, False)])
    def test_mounted_secret(self, path, monkeypatch, mode, is_fine):
        """A file of somebody else's, such as a mounted secret, may be readable by our group; never by all, never writable."""
        write_tokens(path, (entry("a", "x", None),))
        path.chmod(mode)
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)

        if is_fine:
            assert [token.name for token in read_tokens(path)] == ["a"]
        else:
            with pytest.raises(BadArtifact):
                read_tokens(path)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{}x",
            '{"name": "a"}',
            "[1]",
            '[{"name": "a"}]',
            json.dumps([{"name": "a", "sha256": "00", "created": "x"}]),
            json.dumps([{"name": "a", "sha256": 7, "created": "x"}]),
            json.dumps([{"name": "a", "sha256": A_DIGEST, "created": "x", "expires": "tomorrow"}]),
            json.dumps([{"name": "a", "sha256": A_DIGEST, "created": "x", "expires": "2099-01-01T00:00:00"}]),
            json.dumps([{"name": "a", "sha256": A_DIGEST, "created": "x", "admin": True}]),
        ],
    )
    def test_damaged(self, tmp_path, text):
        """A file that is not what it should be is refused whole: half a list of tokens is a riddle."""
        path = tmp_path / "tokens.json"
        path.touch(0o600)
        path.write_text(text)

        with pytest.raises(BadArtifact, match="not a file of tokens"):
            read_tokens(path)

    def test_missing(self, path):
        """A missing file is refused with the command that makes one."""
        with pytest.raises(BadArtifact, match=r"`snag token add`"):
            read_tokens(path)


class TestGuard:
    @pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic eDp5", "x", "snag_x"])
    def test_missing(self, path, header):
        """A request without a token is told so."""
        assert refused(guard_of(path, entry("a", "x", None)), header) == "missing"

    @given(st.text(max_size=50))
    def test_unknown(self, tmp_path_factory, presented):
        """Nothing but the token itself opens, whatever signs are in it."""
        guard = guard_of(tmp_path_factory.mktemp("t") / "tokens.json", entry("a", "the token", None))

        if presented.strip() != "the token":
            assert refused(guard, f"Bearer {presented}") in ("unknown", "missing")

    @pytest.mark.parametrize("header", ["Bearer x", "bearer x", "BEARER   x "])
    def test_known(self, path, header):
        """The scheme's name is read as HTTP wants it: in any case."""
        assert guard_of(path, entry("a", "x", None)).name_of(header) == "a"

    def test_expired(self, path, monkeypatch):
        """A token is valid until it expires, and is then told so."""
        guard = guard_of(path, entry("a", "x", 1))
        before = guard.name_of("Bearer x")
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 86_401)

        assert (before, refused(guard, "Bearer x")) == ("a", "expired")

    @pytest.mark.parametrize("change", ["chmod", "remove", "damage"])
    def test_no_longer_trusted(self, path, change):
        """When the file can't be trusted any more nobody gets in, and it is told why; when it can be again they do."""
        told = []
        write_tokens(path, (entry("a", "x", None),))
        guard = Guard(path, complain=told.append)
        text = path.read_text()
        {"chmod": lambda: path.chmod(0o644), "remove": path.unlink, "damage": lambda: path.write_text("[")}[change]()

        closed = [refused(guard, "Bearer x") for _ in range(2)]

        assert (closed, len(told)) == (["unknown"] * 2, 1)
        path.touch(0o600)
        path.chmod(0o600)
        path.write_text(text)
        assert guard.name_of("Bearer x") == "a"


class TestGate:
    @run
    async def test_predictions(self, tmp_path):
        """With a file of tokens a verdict needs one; health and ping never do; the log says whose token it was."""
        path = tmp_path / "tokens.json"
        write_tokens(path, (entry("line-3", "right", None),))
        async with house(tmp_path, tokens=path) as one:
            status, said, headers = await one.ask(PREDICT)
            wrong = await one.code(headers={"Authorization": "Bearer wrong"})
            elsewhere = await one.code("/nowhere")
            right = await one.ask(PREDICT, headers={"Authorization": "Bearer right"})
            health = [(await one.ask(probe, "GET", None))[0] for probe in ("/ping", "/health/live", "/health/ready")]
            _, metrics, _ = await one.ask("/metrics", "GET", None, "metrics")
            asked = len(one.torchserve.asked)
            await one.gate.close()
            lines = one.lines()

        assert (status, said["error"]["code"]) == (401, "unauthorised")
        assert headers["WWW-Authenticate"] == 'Bearer realm="snag"'
        assert [wrong, elsewhere] == [(401, "unauthorised")] * 2
        assert ([right[0], *health], asked) == ([200] * 4, 1)
        assert 'snag_unauthorised_total{reason="missing"} 2.0' in metrics
        assert 'snag_unauthorised_total{reason="unknown"} 1.0' in metrics
        assert [line.get("token") for line in lines] == [None, None, None, "line-3"]

    @run
    async def test_rotation(self, tmp_path):
        """A token added or revoked while the server runs counts from the next request on."""
        path = tmp_path / "tokens.json"
        write_tokens(path, (entry("old", "old", None),))
        async with house(tmp_path, tokens=path) as one:

            async def statuses():
                return [(await one.ask(PREDICT, headers={"Authorization": f"Bearer {token}"}))[0] for token in ("old", "new")]

            before = await statuses()
            write_tokens(path, (entry("old", "old", None), entry("new", "new", None)))
            during = await statuses()
            write_tokens(path, (entry("new", "new", None),))

            assert (before, during, await statuses()) == ([200, 401], [200, 200], [401, 200])

    @run
    async def test_no_file(self, tmp_path):
        """A gate whose file of tokens is not there does not open: it would keep everybody out, or let everybody in."""
        with pytest.raises(BadArtifact):
            async with house(tmp_path, tokens=tmp_path / "none.json"):
                pass

    @run
    async def test_large_body_without_token(self, tmp_path):
        """Whoever has no token is refused before the body is read."""
        path = tmp_path / "tokens.json"
        write_tokens(path, (entry("a", "x", None),))
        async with house(tmp_path, tokens=path) as one:
            said = await one.talk(b"POST /predictions/bolt HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n")

            assert said.startswith(b"HTTP/1.1 401 ")
            await until(lambda: is_idle(one))


async def is_idle(one):
    """Whether nothing is under way."""
    return "snag_http_in_flight 0.0" in (await one.ask("/metrics", "GET", None, "metrics"))[1]
