"""line.md: the file of `snag line`, from the classes of its tables; the fields of an event; the nodes and topics."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reference.commands import kind
from reference.markdown import capital, code, page, prose, table
from snag.line.configuration import LineConfiguration, table_of
from snag.line.event import LineEvent
from snag.line.sink_tables import SinkTable
from snag.line.status import TROUBLES
from snag.line.tables import SourceTable

_LEAD: Final = (
    "One TOML file says what `snag line` does; `snag line --config line.toml --check` says whether it is right.\n"
    "A key that is not listed here is refused.\n"
    "[From verdict to machine](../how-to/line.md) has a whole one.\n"
    "Passwords and tokens stand in the environment, never in the file: "
    "`SNAG_TOKEN`, `SNAG_MQTT_PASSWORD`, `SNAG_OPCUA_PASSWORD`, `SNAG_WEBHOOK_TOKEN`."
)
_TOP: Final = "## Top of the file"
_SINKS: Final = "## Every sink\n\nThese settings stand in each table of a sink."
_EVENT: Final = (
    "## An event\n\nWhat every sink gets of a part: JSON by MQTT, webhook and command, a row in CSV.\n"
    "It may come twice, under the same `id`."
)
_TROUBLES: Final = "## Troubles\n\nIn `TOPIC/state`, in the node `Troubles` and in the metric `snag_line_trouble`."


def line() -> str:
    """The page."""
    fields = LineConfiguration.model_fields
    own = {name: field for name, field in fields.items() if table_of(field.annotation) is None}
    tables = {name: kind_of for name, field in fields.items() if (kind_of := table_of(field.annotation)) is not None}
    sections = [section(name, kind_of) for name, kind_of in tables.items()]
    return page(
        "The line's file",
        _LEAD,
        _TOP,
        table(["setting", "value", "default", "meaning"], rows(own)),
        *sections,
        _SINKS,
        table(["setting", "value", "default", "meaning"], rows(SinkTable.model_fields)),
        _EVENT,
        table(["field", "meaning"], event_rows()),
        _TROUBLES,
        table(["trouble", "meaning"], [[code(name), prose(capital(said))] for name, said in TROUBLES.items()]),
    )


def section(name: str, kind_of: type[BaseModel]) -> str:
    """A table of the file."""
    heading = f"[[{name}]]" if issubclass(kind_of, SourceTable) else f"[{name}]"
    about = prose(" ".join((inspect.getdoc(kind_of) or "").split()))
    shared = SinkTable.model_fields if issubclass(kind_of, SinkTable) else {}
    own = {key: field for key, field in kind_of.model_fields.items() if key not in shared}
    return f"## {code(heading)}\n\n{about}\n\n" + table(["setting", "value", "default", "meaning"], rows(own))


def rows(fields: dict[str, FieldInfo]) -> Iterator[list[str]]:
    """A row for each setting."""
    for name, field in fields.items():
        yield [code(name), kind(field.annotation, field.metadata), _default(field), prose(field.description or "")]


def event_rows() -> Iterator[list[str]]:
    """A row for each field, with the comment beside it or above."""
    source = inspect.getsource(LineEvent)
    said = dict(re.findall(r"^    (\w+): [^#\n]*#: (.*)$", source, re.M))
    for name in [
        node.target.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]:
        yield [code(name), prose(capital(said[name])) if name in said else ""]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.default
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, bool):
        return code(str(value).lower())
    shown = f"{value:,}" if isinstance(value, int) and value >= 100_000 else f"{value:g}" if isinstance(value, float) else value
    return code(value.as_posix() if isinstance(value, Path) else str(shown))
