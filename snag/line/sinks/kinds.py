"""KINDS: the sinks that there are, by their tables' names. A sink's packages are loaded only where the file asks for it."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping
from typing import Any, Final

from snag.core.errors import BadConfig
from snag.line.sink_tables import SinkTable
from snag.line.sinks.sink import Sink

KINDS: Final = {
    "mqtt": "snag.line.sinks.mqtt:MqttSink",
    "opcua": "snag.line.sinks.opcua:OpcUaSink",
    "webhook": "snag.line.sinks.webhook:WebhookSink",
    "csv": "snag.line.sinks.csv_log:CsvSink",
    "sort": "snag.line.sinks.sort:SortSink",
    "command": "snag.line.sinks.command:CommandSink",
}


def made_sinks(tables: Mapping[str, SinkTable], has_cameras: bool, stop: threading.Event) -> list[Sink]:
    """The sinks of a file's tables; none is opened. Raises BadConfig where a package or a password is missing."""
    if has_cameras:
        loaded("snag.line.photographer", "[[cameras]]")
    return [_made(name, table, stop) for name, table in tables.items()]


def _made(name: str, table: SinkTable, stop: threading.Event) -> Sink:
    module, _, kind = KINDS[name].partition(":")
    made: Sink = getattr(loaded(module, f"[{name}]"), kind)(table, stop)
    return made


def loaded(module: str, asks: str) -> Any:
    """A module of ours that needs a package of the extra `line`. Raises BadConfig where that is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "snag":  # ours, and a bug
            raise
        raise BadConfig(
            detail=f"{asks} needs the package {error.name.partition('.')[0]!r}, which is not installed: expected it after "
            "`make .venv/.installed-line`, as of `make line`, or pip's extra `line`"
        ) from error
