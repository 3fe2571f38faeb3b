"""Settings of a command: where a value comes from, what is refused and how, and the exit codes."""

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, model_validator

from snag.cli.settings import Settings, from_flags, read_toml, run
from snag.core.errors import BadConfig, BrokenPicture
from tests.support.source import ROOT, dotted, files, functions


class Recipe(Settings):
    """Bake something."""

    data: Path = Field(Path("flour"), description="what goes in")
    learning_rate: float = Field(1e-3, gt=0, description="how fast")
    epochs: int = Field(3, ge=1, le=10, description="how long")
    cache: bool = Field(True, description="keep it")
    preset: Literal["quick", "default"] = Field("quick", description="which one")
    good: Path | None = Field(None, description="another")

    @model_validator(mode="after")
    def _together(self) -> "Recipe":
        if self.epochs == 7 and self.preset == "default":
            raise ValueError("7 epochs make no default")
        return self


#: The keeper is started by `snag serve` alone, with a bare parser: what pydantic takes to load would delay every start of a
#: server. The entry of all verbs has no flags (tests/cli/test_main.py), `if-needed` those of others (tests/cli/test_stage.py).
NOT_TYPED = {"snag.server.supervise.keeper", "snag.cli.main", "snag.cli.if_needed"}
#: What a command wants before its flags.
ACTIONS = {"snag.gate.token": ["list"]}


def entries() -> list[str]:
    """Every module that is a command which people type."""
    modules = [dotted(path) for path in files() if any(label == "main" for label, _ in functions(path))]
    return [module for module in modules if module not in NOT_TYPED]


class TestPrecedence:
    def test_defaults(self):
        """Without anything there are the defaults."""
        expected = {
            "data": Path("flour"),
            "learning_rate": 1e-3,
            "epochs": 3,
            "cache": True,
            "preset": "quick",
            "good": None,
        }

        assert from_flags(Recipe, []).model_dump() == expected

    def test_order(self, tmp_path):
        """A file beats the defaults, a later file an earlier one, a flag them all."""
        (tmp_path / "first.toml").write_text("epochs = 4\nlearning_rate = 0.5\ncache = false\n")
        (tmp_path / "second.toml").write_text("epochs = 5\nlearning_rate = 0.25\n")

        found = from_flags(Recipe, ["--epochs", "6"], lambda _: [tmp_path / "first.toml", tmp_path / "second.toml"])

        assert (found.epochs, found.learning_rate, found.cache, found.preset) == (6, 0.25, False, "quick")

    def test_files_are_chosen_by_flags(self, tmp_path):
        """The function that names the files sees the flags that were given, and only those."""
        (tmp_path / "default.toml").write_text("epochs = 9\n")

        found = from_flags(
            Recipe, ["--preset", "default"], lambda flags: [tmp_path / f"{name}.toml" for name in flags.values()]
        )

        assert (found.preset, found.epochs) == ("default", 9)

    @pytest.mark.parametrize(
        ("flags", "expected"),
        [
            (["--learning-rate", "0.5"], {"learning_rate": 0.5}),
            (["--learning-rate=5e-1"], {"learning_rate": 0.5}),
            (["--no-cache"], {"cache": False}),
            (["--cache"], {"cache": True}),
            (["--good", "a b/ä"], {"good": Path("a b/ä")}),
            (["--epochs", "1", "--epochs", "2"], {"epochs": 2}),
        ],
    )
    def test_flags(self, flags, expected):
        """Fields are flags in kebab case; switches have a negative; the last of two wins."""
        assert from_flags(Recipe, flags).model_dump(include=set(expected)) == expected

    def test_environment(self, monkeypatch):
        """No environment variable changes a setting."""
        for variable in ("EPOCHS", "SNAG_EPOCHS", "SNAG_UNUSED_EPOCHS", "epochs"):
            monkeypatch.setenv(variable, "9")

        assert from_flags(Recipe, []).epochs == 3

    def test_frozen(self):
        """Settings do not change once they are made."""
        with pytest.raises(ValueError, match="frozen"):
            from_flags(Recipe, []).epochs = 4


class TestRefused:
    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (["--epochs", "0"], "epochs = '0': input should be greater than or equal to 1"),
            (["--epochs", "11"], "epochs = '11': input should be less than or equal to 10"),
            (["--epochs", "3.5"], "epochs = '3.5': input should be a valid integer"),
            (["--epochs", "many"], "epochs = 'many': input should be a valid integer"),
            (["--learning-rate", "nan"], "learning_rate = 'nan': input should be a finite number"),
            (["--learning-rate", "inf"], "learning_rate = 'inf': input should be a finite number"),
            (["--learning-rate", "-1"], "learning_rate = '-1': input should be greater than 0"),
            (["--preset", "slow"], "preset = 'slow': input should be 'quick' or 'default'"),
            (["--preset", "default", "--epochs", "7"], "7 epochs make no default"),
            (
                ["--epochs", "0", "--preset", "slow"],
                "epochs = '0': input should be greater than or equal to 1; preset = 'slow': ",
            ),
            (["--epoch", "3"], "unrecognized arguments: --epoch 3; `"),
            (["--learning_rate", "3"], "unrecognized arguments: --learning_rate 3; `"),
            (["--cache", "no"], "unrecognized arguments: no; `"),
            (["something"], "unrecognized arguments: something; `"),
            (["--epochs"], "argument --epochs: expected one argument; `"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_flags(self, flags, message, capsys):
        """Each wrong flag is named, with what would be valid, in one line."""
        with pytest.raises(BadConfig) as caught:
            from_flags(Recipe, flags)

        assert str(caught.value).startswith(message)
        assert "\n" not in str(caught.value)
        assert capsys.readouterr() == ("", "")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("epoch = 3", "unknown setting 'epoch'; known are data, learning_rate, epochs, cache, preset, good"),
            ("learning-rate = 3", "unknown setting 'learning-rate'; known are data"),
            ("epochs = 'many'", "epochs = 'many': input should be a valid integer"),
            ("epochs = [3]", r"epochs = \[3\]: input should be a valid integer"),
            ("epochs = ", ".*bad.toml: Invalid value"),
            ("epochs = 3\nepochs = 4", ".*bad.toml: Cannot overwrite a value"),
        ],
    )
    def test_files(self, tmp_path, text, message):
        """Each wrong line of a file likewise."""
        (tmp_path / "bad.toml").write_text(text)

        with pytest.raises(BadConfig, match=f"^{message}"):
            from_flags(Recipe, [], lambda _: [tmp_path / "bad.toml"])

    def test_no_file(self, tmp_path):
        """A file that is missing, a folder or no text is refused by name."""
        (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")

        for path in (tmp_path / "missing.toml", tmp_path, tmp_path / "binary.toml"):
            with pytest.raises(BadConfig, match=str(path)):
                read_toml(path)


class TestExit:
    def test_fine(self):
        """A command that does its work exits with 0."""
        assert run(lambda: None) == 0

    def test_snag_error(self, capsys):
        """A command's error is one line on stderr and 2."""

        def main() -> None:
            raise BadConfig(detail="epochs = 0")

        assert run(main) == 2
        assert capsys.readouterr() == ("", "error: epochs = 0\n")

    def test_any_snag_error(self, capsys):
        """So is every other error of the tree."""

        def main() -> None:
            raise BrokenPicture(detail="x")

        assert run(main) == 2
        assert capsys.readouterr().err == "error: the picture can't be decoded: x\n"

    def test_interrupted(self, capsys):
        """Ctrl-C is 130, as a shell expects."""

        def main() -> None:
            raise KeyboardInterrupt

        assert run(main) == 130
        assert capsys.readouterr() == ("", "interrupted\n")

    def test_bug(self):
        """A bug keeps its trace."""

        def main() -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            run(main)

    def test_help(self):
        """`--help` names every flag with its description and default, and exits with 0."""
        code = "import tests.cli.test_settings as t; from snag.cli.settings import from_flags; from_flags(t.Recipe, ['--help'])"

        done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, text=True)

        assert (done.returncode, done.stderr) == (0, "")
        for words in (
            "Bake something.",
            "--learning-rate float",
            "how fast (default: 0.001)",
            "--cache, --no-cache",
            "{quick,default}",
        ):
            assert words in done.stdout


@pytest.mark.parametrize("module", entries())
class TestCommands:
    def test_unknown_flag(self, module, capsys):
        """Every command refuses an unknown flag in one line, with exit code 2."""
        assert importlib.import_module(module).main([*ACTIONS.get(module, []), "--no-such-flag"]) == 2

        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: unrecognized arguments: --no-such-flag; `")
        assert err.count("\n") == 1

    def test_settings(self, module):
        """Every setting of every command says what it is, and the defaults are valid."""
        own = [
            kind
            for kind in vars(importlib.import_module(module)).values()
            if isinstance(kind, type) and issubclass(kind, Settings)
        ]
        kinds = [kind for kind in own if kind.__module__ == module] or [kind for kind in own if kind is not Settings]
        kinds = [kind for kind in kinds if not any(base in kinds for base in kind.__mro__[1:])]  # derived: worked out later

        assert len(kinds) == 1
        assert [key for key, field in kinds[0].model_fields.items() if not field.description] == []
        required = {key for key, field in kinds[0].model_fields.items() if field.is_required()}
        if not required:
            assert set(kinds[0]().model_dump()) == set(kinds[0].model_fields)
