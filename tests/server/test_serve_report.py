"""What a keeper reports, what `serve` makes of it, and what `health` says."""

import os
from dataclasses import replace

import pytest

from snag.core.errors import BadConfig, ServerAnswer, ServerFailed
from snag.server.health import HealthSettings, check
from snag.server.health import main as health
from snag.server.startup_message import curl, startup_message
from snag.server.state.instance import Instance
from snag.server.state.launch import Launch, read_launch, write_launch
from snag.server.state.served import Model, ServedVersion
from snag.server.supervise.bring_up import Result
from snag.server.supervise.report import Report, receive, send
from tests.support.registrar import registrar

REPORT = Report((Result("bolt", "2.0", 2), Result("bolt", "1.0", 2), Result("nut", "", failed="nut.mar: it is broken")), 6.25)
LAUNCH = Launch(
    ("127.0.0.1", 8080), ("127.0.0.1", 8081), ("::1", 8082), None, 120.0, 30.0, "info", 0, 14.0, "f" * 64, ("http://a",)
)


def through_a_pipe(what):
    reading, writing = os.pipe()
    send(writing, what)
    with os.fdopen(reading) as pipe:
        return receive(pipe.readline())


class TestReport:
    def test_round_trip(self):
        """A report arrives as it was sent."""
        assert through_a_pipe(REPORT) == REPORT

    def test_failure(self):
        """A failure arrives as the error that it was."""
        with pytest.raises(ServerFailed, match="the server did not come up: a worker died: why"):
            through_a_pipe("a worker died: why")

    def test_nobody_listens(self):
        """Whoever started the keeper may be gone."""
        reading, writing = os.pipe()
        os.close(reading)

        send(writing, REPORT)


class TestLaunch:
    def test_round_trip(self, tmp_path):
        """What a keeper is told is read as it was written."""
        write_launch(tmp_path / "launch.json", LAUNCH)

        assert read_launch(tmp_path / "launch.json") == LAUNCH

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"inference": 5}'])
    def test_damaged(self, tmp_path, text):
        """What is no launch is refused."""
        (tmp_path / "launch.json").write_text(text)

        with pytest.raises(BadConfig, match="`make serve` writes it"):
            read_launch(tmp_path / "launch.json")


class TestAnnouncement:
    def version(self, name):
        return ServedVersion(name, f"bolt-{name}.mar", "a" * 64, 0.5, "2026-01-01")

    def test_lines(self, tmp_path, monkeypatch):
        """A line for each: what answers, what is kept, what is not served and why; then a command to paste."""
        monkeypatch.chdir(tmp_path)
        models = (Model("bolt", self.version("2.0"), self.version("1.0")), Model("nut", None, failed="nut.mar: it is broken"))

        text = startup_message(Instance(tmp_path / "server"), LAUNCH, models, REPORT)

        assert text.splitlines() == [
            "bolt 2.0 is served by 2 workers, first verdict after 6.2 s (logs: server/logs)",
            "bolt 1.0 is kept, for going back",
            "nut is NOT served: nut.mar: it is broken",
            "  curl -H 'Content-Type: application/octet-stream' --data-binary @server/golden.png "
            "http://127.0.0.1:8080/predictions/bolt",
        ]

    @pytest.mark.parametrize(
        ("host", "url"),
        [
            ("::1", "'http://[::1]:8080/predictions/bolt'"),
            ("::", "'http://[::1]:8080/predictions/bolt'"),
            ("fe80::1%eth0", "'http://[fe80::1%25eth0]:8080/predictions/bolt'"),
            ("192.168.1.5", "http://192.168.1.5:8080/predictions/bolt"),
        ],
    )
    def test_where(self, tmp_path, host, url):
        """The command asks where the server listens, and a shell takes it as it stands."""
        assert curl(Instance(tmp_path), replace(LAUNCH, inference=(host, 8080)), "bolt").endswith(f"golden.png {url}")


class TestHealth:
    @pytest.fixture
    def gate(self):
        with registrar() as made:
            yield made

    @staticmethod
    def flags(gate):
        return ["--inference-port", gate.url.rpartition(":")[2]]

    @staticmethod
    def row(model="bolt", version="1.0", ready=2, default=True, required=True, **more):
        return {
            "model": model,
            "version": version,
            "workers": 2,
            "ready": ready,
            "default": default,
            "required": required,
        } | more

    def says(self, gate, monkeypatch, status, *rows, **more):
        monkeypatch.setattr(gate, "answer", lambda *_: (200, {"status": status, "models": list(rows), **more}))

    def test_ready(self, gate, monkeypatch, capsys):
        """Ready is exit code 0, with a line for each version."""
        self.says(gate, monkeypatch, "ready", self.row(), self.row(version="2.0", default=False))

        assert health(self.flags(gate)) == 0

        assert capsys.readouterr().out.splitlines() == [
            "bolt 1.0: 2 of 2 workers ready",
            "bolt 2.0: 2 of 2 workers ready (not the default)",
        ]

    def test_where_it_was_started(self, tmp_path, monkeypatch):
        """Unless told, the server is asked where the one of this folder was started."""
        asked = []
        monkeypatch.setattr("snag.server.health.ask", lambda host, *_: asked.append(host))
        for host in (None, "::1"):
            if host is not None:
                write_launch(tmp_path / "launch.json", replace(LAUNCH, inference=(host, 8080)))
            check(HealthSettings(server_folder=tmp_path, live=True))
        check(HealthSettings(server_folder=tmp_path, live=True, host="[::2]"))

        assert asked == ["127.0.0.1", "::1", "::2"]

    def test_not_ready(self, gate, monkeypatch, capsys):
        """Everything that lacks something is named; a version on trial is not asked for."""
        rows = [self.row(ready=1), self.row("nut", "", 0, failed="it is broken"), self.row("cap", ready=0, required=False)]
        self.says(gate, monkeypatch, "partial", *rows, error={"code": "unavailable", "message": "no"})

        assert health(self.flags(gate)) == 2

        printed = capsys.readouterr()
        assert "nut: could not be loaded" in printed.out
        assert printed.err == "error: the server is not ready: bolt 1.0 has 1 of 2 workers; nut: it is broken\n"

    def test_draining(self, gate, monkeypatch, capsys):
        """A server that stops is not ready, whatever its workers do."""
        self.says(gate, monkeypatch, "draining", self.row(), error={"code": "unavailable", "message": "the server is stopping"})

        assert health(self.flags(gate)) == 2

        assert "the server is not ready: the server is stopping" in capsys.readouterr().err

    @pytest.mark.parametrize("said", [["hello"], {"status": "hello"}, {"status": ["hello"]}])
    def test_somebody_else(self, gate, monkeypatch, said):
        """An answer that is not the gate's is no health."""
        monkeypatch.setattr(gate, "answer", lambda *_: (200, said))
        with pytest.raises(ServerAnswer, match="hello"):
            check(HealthSettings(inference_port=int(self.flags(gate)[1])))

    def test_nobody(self, gate, capsys):
        """Nobody there is exit code 2, for life as for readiness."""
        assert health(["--inference-port", "1"]) == 2
        assert health(["--inference-port", "1", "--live"]) == 2
        assert "is the server running?" in capsys.readouterr().err
