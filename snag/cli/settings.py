"""Settings of a command: defaults < preset or file (TOML) < flags; unknown keys, wrong types and ranges are refused by name."""

from __future__ import annotations

import io
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, CliSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from snag.cli.program import as_typed, program
from snag.core.errors import BadConfig, SnagError
from snag.core.file_names import readable

S = TypeVar("S", bound="Settings")


class Settings(BaseSettings):
    """Base of every command's settings: fields become flags (`learning_rate` is `--learning-rate`)."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_avoid_json=True,
        env_prefix="SNAG_UNUSED_",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in and the flags: an environment variable never changes a model."""
        return (init_settings,)


def from_flags(kind: type[S], argv: Sequence[str] | None, files: Callable[[dict[str, Any]], list[Path]] | None = None) -> S:
    """Build settings of `kind` from flags, over the TOML files that `files` names when shown the flags.

    Raises BadConfig naming the key and what would be valid. `--help` prints and exits.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = program()
    try:
        flags = _parsed(kind, arguments, name)
    except SettingsError as error:
        raise BadConfig(detail=f"{_last_sentence(error)}; `{name} --help` lists the flags") from error
    merged: dict[str, Any] = {}
    for path in files(flags) if files else []:
        merged |= read_toml(path)
    try:
        return kind(**(merged | flags))
    except ValidationError as error:
        raise BadConfig(detail="; ".join(_explain(problem, kind) for problem in error.errors())) from error


def read_toml(path: Path) -> dict[str, Any]:
    """The table of a TOML file. Raises BadConfig."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # neither text nor TOML are both ValueErrors
        raise BadConfig(detail=f"{path}: {error}") from error


def run(main: Callable[[], None]) -> int:
    """Run a command: a SnagError prints one line and returns 2, Ctrl-C returns 130.

    What the terminal's encoding has no sign for is spelt out: a name must not end a command after all its work.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        main()
    except SnagError as error:
        print(f"error: {readable(as_typed(str(error)))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _parsed(kind: type[Settings], arguments: list[str], name: str) -> dict[str, Any]:
    """The flags that were given, by field name. Raises SettingsError for an unknown one."""
    source = CliSettingsSource[Any](
        kind, cli_parse_args=arguments, cli_prog_name=name, cli_hide_none_type=True, cli_exit_on_error=False
    )
    return source()


def _last_sentence(error: SettingsError) -> str:
    return str(error).removeprefix("error parsing CLI: ")


def _explain(problem: Any, kind: type[Settings]) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown setting {name!r}; known are {', '.join(kind.model_fields)}"
    sentence = problem["msg"].removeprefix("Value error, ")
    if not name:  # a rule about several settings together
        return sentence
    return f"{name} = {problem['input']!r}: {sentence[:1].lower()}{sentence[1:]}"
