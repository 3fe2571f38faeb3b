"""KINDS: the sinks that there are, by their tables' names. A sink's module is loaded only where the file asks for it."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping
from typing import Final

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


def made_sinks(tables: Mapping[str, SinkTable], stop: threading.Event) -> list[Sink]:
    """The sinks of a file's tables; none is opened. Raises BadConfig where a password is missing."""
    return [_made(name, table, stop) for name, table in tables.items()]


def _made(name: str, table: SinkTable, stop: threading.Event) -> Sink:
    module, _, kind = KINDS[name].partition(":")
    made: Sink = getattr(importlib.import_module(module), kind)(table, stop)
    return made
