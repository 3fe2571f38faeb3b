"""`snag <verb>`: one table of verbs, help without anything heavy, and words that arrive as they were typed."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import snag
from snag.cli import main as entry
from snag.cli import program as names
from snag.cli.main import main
from snag.cli.program import as_typed, program, started_as
from snag.cli.settings import Settings, from_flags
from snag.cli.stage import is_older, run_verb
from snag.cli.verbs import VERBS, Verb
from snag.core.errors import BadConfig
from tests.support.fakes import tiny_artifact, tiny_calibration
from tests.support.source import ROOT


def typed(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`python -m snag` with these words, in a process of its own."""
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "snag", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


class TestTable:
    def test_every_verb_has_a_main(self):
        """What the table names exists, and takes words."""
        assert [verb for verb, one in VERBS.items() if not callable(importlib.import_module(one.module).main)] == []

    def test_help_lists_every_verb_in_a_line(self, capsys):
        """With or without `--help`; each line says something else."""
        for words in ([], ["--help"], ["-h"]):
            assert main(words) == 0
            lines = dict(re.findall(r"^  (\S+)  +(.+)$", capsys.readouterr().out, re.M))
            assert lines == {verb: one.line for verb, one in VERBS.items()}
        assert len({one.line for one in VERBS.values()}) == len(VERBS)

    def test_help_loads_nothing_heavy(self):
        """It is there at once: neither torch nor pydantic is imported for it."""
        heavy = "{'torch', 'numpy', 'pydantic'} & set(sys.modules)"
        code = f"import sys; from snag.cli.main import main; main(['--help']); print({heavy})"

        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

        assert done.stdout.endswith("\nset()\n")

    def test_version(self, capsys):
        """`--version` is the package's."""
        assert main(["--version"]) == 0
        assert capsys.readouterr().out == f"snag {snag.__version__}\n"


class TestRefused:
    @pytest.mark.parametrize(
        ("word", "sentence"),
        [
            ("trainn", "there is no verb 'trainn'; did you mean 'train'? `snag --help` lists the verbs"),
            ("xyzzy", "there is no verb 'xyzzy'; `snag --help` lists the verbs"),
            ("--frobnicate", "unrecognized arguments: --frobnicate; `snag --help` lists the verbs"),
        ],
    )
    def test_unknown_verbs(self, word, sentence, capsys):
        """One line that says what there is, the nearest verb first; exit code 2."""
        with started_as("snag"):
            assert main([word]) == 2
        assert capsys.readouterr() == ("", f"error: {sentence}\n")

    def test_tune_outside_of_a_checkout(self, monkeypatch, capsys):
        """An installed package has no benchmarks, and says so."""
        for loaded in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setattr(sys, "path", [path for path in sys.path if path and Path(path).resolve() != ROOT])

        with started_as("snag"):
            assert main(["tune"]) == 2

        assert capsys.readouterr().err.startswith("error: `snag tune` measures with the benchmarks, which only a checkout")

    def test_a_package_that_is_not_installed(self, monkeypatch, capsys):
        """It is named; so are extras, in tests/house/test_extras.py. One of ours is a bug and keeps its trace."""
        monkeypatch.setitem(entry.VERBS, "odd", Verb("no_such_package.inside", ""))
        monkeypatch.setitem(entry.VERBS, "bug", Verb("snag.no_such_module", ""))

        assert main(["odd"]) == 2
        assert "odd` needs the package 'no_such_package', which should have come with Snag" in capsys.readouterr().err
        with pytest.raises(ModuleNotFoundError, match=r"snag\.no_such_module"):
            main(["bug"])


class Echo(Settings):
    """Print what was given."""

    run: Path


class TestWords:
    @pytest.mark.parametrize("name", ["a b $(touch x)'s", '"; exit', "ä b", "-- x", "*"])
    def test_they_arrive_as_they_were_typed(self, name, monkeypatch):
        """Spaces and shell characters are part of a name."""
        given = []
        fake = SimpleNamespace(main=lambda words: given.append(from_flags(Echo, words).run) or 0)
        monkeypatch.setattr(entry, "_module", lambda _: fake)

        assert main(["archive", f"--run={name}"]) == 0
        assert given == [Path(name)]

    def test_a_run_folder_of_any_name(self, tmp_path):
        """So it is with a real command in a real process, and with the stages that one command runs for another."""
        run = tmp_path / "a b $(x)'s"
        run.mkdir()
        tiny_calibration(run, tiny_artifact(run))
        flags = ["--run", run.name, "--model", "bolt", "--model-store", "the store"]

        done = typed("archive", *flags, folder=tmp_path)

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("the store/bolt.mar: ")
        assert {path.name for path in tmp_path.iterdir()} == {run.name, "the store"}
        assert (
            run_verb("archive", ["--run", str(run), "--model", "bolt", "--model-store", str(tmp_path / "another $store")]) == 0
        )
        assert (tmp_path / "another $store" / "bolt.mar").exists()


class TestProgram:
    def test_usage_and_errors_name_what_was_typed(self):
        """`python -m snag health --help` is how it was asked for, so that is what the usage says."""
        usage, error = typed("health", "--help"), typed("health", "--frob")

        assert usage.stdout.startswith("usage: python -m snag health [-h]")
        assert error.stderr == "error: unrecognized arguments: --frob; `python -m snag health --help` lists the flags\n"
        assert (usage.returncode, error.returncode) == (0, 2)

    def test_it_is_told_inside_alone(self):
        """The name given for a verb is gone with it."""
        before = program()
        with started_as("snag train"):
            assert program() == "snag train"
        assert program() == before

    @pytest.mark.parametrize(
        ("sentence", "installed"),
        [
            ("there is no model; run `make train`", "there is no model; run `snag train`"),
            ("run `make calibrate archive` here", "run `snag calibrate` and `snag archive` here"),
            ("`make serve SPOOL=1000` makes one", "`snag serve --spool 1000` makes one"),
            ("`make archive VERSION=2.0` packs it", "`snag archive --version 2.0` packs it"),
            ("`make data` draws it", "`snag sample` draws it"),
            ("as people make pictures", "as people make pictures"),
        ],
    )
    def test_errors_say_what_there_is_to_type(self, sentence, installed, monkeypatch, tmp_path):
        """In a checkout verbs of make; where the package is installed without its Makefile, verbs of `snag`."""
        assert as_typed(sentence) == sentence
        monkeypatch.setattr(names.snag, "__file__", str(tmp_path / "site-packages" / "snag" / "__init__.py"))
        assert as_typed(sentence) == installed

    def test_errors_name_verbs_that_exist(self):
        """Every `make …` in a sentence of the product can be said with verbs of `snag`."""
        sources = [path.read_text() for room in ("snag", "training") for path in (ROOT / room).rglob("*.py")]
        words = {word for text in sources for found in re.findall(r"`make ([a-z][a-z -]*)", text) for word in found.split()}

        assert words - set(VERBS) == {"data"}

    def test_settings_that_are_refused(self):
        """The flag's name, and the help of the verb that was typed."""
        with started_as("snag train"), pytest.raises(BadConfig, match="`snag train --help` lists the flags"):
            from_flags(Echo, ["--rum", "x"])


def test_a_stage_is_due_when_its_result_is_missing_or_older(tmp_path):
    """As make sees it: a source that is missing makes nothing old."""
    made, source = tmp_path / "made", tmp_path / "source"
    assert is_older(made, source)
    made.touch()
    assert not is_older(made, source)
    source.touch()
    os.utime(made, (1000, 1000))
    assert is_older(made, source)
