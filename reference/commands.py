"""commands.md: every verb with its settings, from the table of verbs and the settings' classes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from reference.markdown import capital, code, codes, page, prose, table
from snag.cli.settings import Settings
from snag.cli.verbs import VERBS, Verb

_ROOT: Final = Path(__file__).parents[1]
_NAMES: Final[dict[Any, str]] = {bool: "", int: "whole number", float: "number", str: "text", Path: "path"}
_BOUNDS: Final = (("gt", "more than"), ("ge", "at least"), ("lt", "less than"), ("le", "at most"))
_LEAD: Final = (
    "`snag VERB --help` prints the same.\n"
    "A flag beats the file that `--config` names, that beats the preset, and that the default.\n"
    "A flag without a value switches something on; with `no-` before its name it switches it off."
)


def commands() -> str:
    """The page."""
    verbs = table(
        ["verb", "what it does", "[extra](../how-to/install.md#extras)"],
        [[f"[`{name}`](#snag-{name})", prose(verb.line), codes(verb.extras)] for name, verb in VERBS.items()],
    )
    return page("Commands", _LEAD, verbs, *(_section(name, verb) for name, verb in VERBS.items()))


def settings_class(verb: Verb) -> type[Settings] | None:
    """The class whose fields are the verb's flags; None for one that hands its flags on."""
    return None if verb.settings is None else getattr(importlib.import_module(verb.module), verb.settings)


def flag(name: str, field: FieldInfo) -> str:
    """The field as it is typed: `--learning-rate`; one that is known by its place, in capitals."""
    if _is_positional(field):
        return name.upper()
    return f"--{(field.alias or name).replace('_', '-')}"


def kind(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """What a value is: its type or its choices, and within which bounds."""
    bounds = [
        f"{words} {_number(found)}"
        for one in metadata
        for name, words in _BOUNDS
        if (found := getattr(one, name, None)) is not None
    ]
    return ", ".join(filter(None, [_type(annotation), *bounds]))


def default(field: FieldInfo) -> str:
    """The default as it would be typed; empty where there is none."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "on" if value else ""
    return code(_shown(value))


def _section(name: str, verb: Verb) -> str:
    kind_of_settings, owner = settings_class(verb), _owner(name)
    heading = f"## snag {name}"
    if kind_of_settings is None:
        return f"{heading}\n\n{prose(capital(verb.line))}\nIts flags are those of the verb behind it."
    if owner != name:
        return f"{heading}\n\n{prose(capital(verb.line))}\nIts flags are those of [snag {owner}](#snag-{owner})."
    about = prose((inspect.getdoc(kind_of_settings) or verb.line).partition("\n\n")[0].replace("\n", " "))
    rows = [
        [code(flag(label, field)), _value(field), default(field), prose(field.description or "")]
        for label, field in kind_of_settings.model_fields.items()
    ]
    return f"{heading}\n\n{about}\n\n" + table(["flag", "value", "default", "meaning"], rows)


def _owner(name: str) -> str:
    """The verb after which the settings are called, where several take the same."""
    return next((one for one, verb in VERBS.items() if verb.settings == f"{one.title()}Settings" == VERBS[name].settings), name)


def _is_positional(field: FieldInfo) -> bool:
    return any(getattr(one, "__name__", "") == "_CliPositionalArg" for one in field.metadata)


def _value(field: FieldInfo) -> str:
    return kind(field.annotation, field.metadata)


def _type(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return codes(map(str, inner))
    if origin in (Union, UnionType):
        return " or ".join(filter(None, (_type(one) for one in inner if one is not NoneType)))
    if origin in (list, tuple, set, frozenset):
        return f"list of {_type(inner[0])}"
    if origin is not None:  # Annotated
        return _type(inner[0])
    return _NAMES.get(annotation, "text")


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(_shown, value))
    if isinstance(value, PurePath) and value.is_absolute() and value.is_relative_to(_ROOT):
        return value.relative_to(_ROOT).as_posix()
    return f"{value:g}" if isinstance(value, float) else str(value)


def known_flags(name: str) -> Iterator[str]:
    """Every flag of a verb, as its help spells it."""
    found = settings_class(VERBS[name])
    for label, field in (found.model_fields if found else {}).items():
        yield flag(label, field)
