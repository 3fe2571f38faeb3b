"""The line's file: what it may hold, and how it is refused."""

import pytest

from snag.core.errors import BadConfig
from snag.line.__main__ import main
from snag.line.configuration import read_configuration

LEAST = 'model = "bolt"\n[[folders]]\nname = "a"\npath = "in"\n[csv]\nfolder = "log"\n'


@pytest.fixture
def refused(tmp_path):
    """The sentence with which a file is refused."""

    def refused(text):
        (tmp_path / "line.toml").write_text(text)
        with pytest.raises(BadConfig) as error:
            read_configuration(tmp_path / "line.toml")
        return str(error.value).removeprefix(f"{tmp_path}/line.toml: ")

    return refused


class TestRead:
    def test_least(self, tmp_path):
        """A model, a source and a sink are enough; a part without a verdict is rejected unless the file says otherwise."""
        (tmp_path / "line.toml").write_text(LEAST)

        found = read_configuration(tmp_path / "line.toml")

        assert (found.names, list(found.sinks)) == (["a"], ["csv"])
        assert (found.fail_safe.silent, found.fail_safe.slow, found.fail_safe.blind) == ("reject", "reject", "reject")

    def test_unknown(self, refused):
        """An unknown key is refused, and those that are known in its table are named."""
        assert refused(LEAST + "colour = 1\n").startswith("unknown setting 'csv.colour'; known are spool, when_full, max_age, ")
        assert refused("colour = 1\n" + LEAST).startswith("unknown setting 'colour'; known are model, folder, server, ")
        assert refused(LEAST.replace('path = "in"', 'path = "in"\nspeed = 2')).startswith(
            "unknown setting 'folders.0.speed'; known are name, group, keep, path, settle, poll"
        )

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ('[[folders]]\nname = "a"\npath = "in"\n[csv]\nfolder = "log"\n', "model is missing"),
            ('model = "bolt"\n[csv]\nfolder = "log"\n', "there is no source: expected at least one [[folders]] or [[cameras]]"),
            (LEAST.partition("[csv]")[0], "there is no sink: expected at least one of [mqtt]"),
            (LEAST + '[[folders]]\nname = "A"\npath = "b"\n', "two sources are called 'a'"),
            (LEAST + '[[folders]]\nname = "b"\npath = "in/b"\n', "lies in another one that is watched"),
            (LEAST + "spool = 0\n", "csv.spool = 0: input should be greater than or equal to 1"),
            (
                LEAST + '[fail_safe]\nsilent = "ignore"\n',
                "fail_safe.silent = 'ignore': input should be 'reject', 'pass' or 'stop'",
            ),
            (LEAST + '[mqtt]\nca_file = "ca.pem"\n', "[mqtt] names certificates but tls is off"),
            (
                LEAST + '[[cameras]]\nname = "c"\nurl = "/dev/video0"\ntrigger = "mqtt"\n',
                "expected its `topic`, and a table [mqtt]",
            ),
            (
                LEAST + '[mqtt]\n[[cameras]]\nname = "c"\nurl = "v.mp4"\ntrigger = "mqtt"\ntopic = "plc/#/t"\n',
                "cameras.0.topic = 'plc/#/t': expected at most 200 characters, where a level may be +",
            ),
            (LEAST + '[[cameras]]\nname = "c"\nurl = "v.mp4"\ntrigger = "opcua"\n', "expected a table [opcua]"),
            (
                LEAST.replace('"in"', '"in"\ngroup = "two\\nlines"'),
                "folders.0.group = 'two\\nlines': no group can be called so",
            ),
            (LEAST.replace('"in"', '"in"\ngroup = "pooled"'), "expected up to 64 printable characters, not 'pooled' or 'rest'"),
            (LEAST.replace('"a"', '"a/b"'), "folders.0.name = 'a/b': string should match pattern"),
        ],
    )
    def test_refused(self, refused, text, sentence):
        """What is missing, out of range or does not fit together is named, with what would be valid."""
        assert sentence in refused(text)


class TestCommand:
    def test_check(self, tmp_path, capsys):
        """`--check` says whether a file is right, and makes nothing."""
        (tmp_path / "line.toml").write_text(f'folder = "{tmp_path}/line"\n{LEAST}')

        assert main(["--config", str(tmp_path / "line.toml"), "--check"]) == 0
        assert capsys.readouterr().out == f"{tmp_path}/line.toml is right: a to csv\n"
        assert [path.name for path in tmp_path.iterdir()] == ["line.toml"]

    def test_missing(self, tmp_path, capsys):
        """A file that is missing is refused in one line."""
        assert main(["--config", str(tmp_path / "line.toml")]) == 2
        assert "No such file" in capsys.readouterr().err

    def test_acknowledge_elsewhere(self, tmp_path, capsys, monkeypatch):
        """Where the line's journal is not, as from another working directory, nothing is acknowledged and none is made."""
        (tmp_path / "line.toml").write_text(LEAST)
        monkeypatch.chdir(tmp_path)

        assert main(["--config", "line.toml", "--acknowledge"]) == 2
        said = capsys.readouterr()
        assert (f"{tmp_path}/runs/line/journal.sqlite is missing" in said.err, said.out) == (True, "")
        assert [path.name for path in tmp_path.iterdir()] == ["line.toml"]
