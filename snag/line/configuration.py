"""LineConfiguration: the line's one TOML file, read and checked before anything is touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, get_args

from pydantic import BaseModel, Field, ValidationError, model_validator

from snag.cli.model_name import NAME
from snag.cli.settings import read_toml
from snag.core.errors import BadConfig
from snag.line.sink_tables import CommandTable, CsvTable, MqttTable, OpcUaTable, SinkTable, SortTable, WebhookTable
from snag.line.tables import CameraTable, FailSafeTable, FolderTable, LineTable, MetricsTable, ServerTable, SourceTable


class LineConfiguration(LineTable):
    """The file's top: what stands there belongs to the whole line."""

    model: str = Field(pattern=rf"^{NAME}$", description="name under which the model is served")
    folder: Path = Field(Path("runs/line"), description="the line's own files: journal, spools, pictures of cameras")
    server: ServerTable = ServerTable()
    fail_safe: FailSafeTable = FailSafeTable()
    metrics: MetricsTable | None = None
    folders: list[FolderTable] = Field([])
    cameras: list[CameraTable] = Field([])
    mqtt: MqttTable | None = None
    opcua: OpcUaTable | None = None
    webhook: WebhookTable | None = None
    csv: CsvTable | None = None
    sort: SortTable | None = None
    command: CommandTable | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problem = next(self._problems(), None)
        if problem is not None:
            raise ValueError(problem)
        return self

    @property
    def sinks(self) -> dict[str, SinkTable]:
        """The tables of sinks that the file has, by name."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: table for name, table in found.items() if isinstance(table, SinkTable)}

    @property
    def sources(self) -> list[SourceTable]:
        """Folders, then cameras."""
        return [*self.folders, *self.cameras]

    @property
    def names(self) -> list[str]:
        """Of all sources."""
        return [source.name for source in self.sources]

    def _problems(self) -> Iterator[str]:
        if not self.names:
            yield "there is no source: expected at least one [[folders]] or [[cameras]]"
        if not self.sinks:
            yield "there is no sink: expected at least one of [mqtt], [opcua], [webhook], [csv], [sort], [command]"
        twice = [name for name, count in Counter(name.lower() for name in self.names).items() if count > 1]
        if twice:
            yield f"two sources are called {twice[0]!r}; expected a name of its own for each"
        places = [one.path.absolute() for one in self.folders]
        for at, place in enumerate(places):
            if any(place.is_relative_to(other) or other.is_relative_to(place) for other in places[:at]):
                yield f"the folder {place} lies in another one that is watched, or is the same; expected folders side by side"
        for camera in self.cameras:
            if camera.trigger == "mqtt" and (self.mqtt is None or not camera.topic):
                yield f"the camera {camera.name!r} is triggered by MQTT: expected its `topic`, and a table [mqtt]"
            if camera.trigger == "opcua" and self.opcua is None:
                yield f"the camera {camera.name!r} is triggered by OPC UA: expected a table [opcua]"
        yield from self._halves()

    def _halves(self) -> Iterator[str]:
        for table in (self.mqtt, self.opcua):
            if table is not None and (table.cert_file is None) != (table.key_file is None):
                yield "cert_file and key_file belong together: expected both, or neither"
        if self.mqtt is not None and not self.mqtt.tls and (self.mqtt.ca_file or self.mqtt.cert_file):
            yield "[mqtt] names certificates but tls is off: expected tls = true"


def read_configuration(path: Path) -> LineConfiguration:
    """The file. Raises BadConfig, which names each key that is wrong and what would be valid."""
    table = read_toml(path)
    try:
        return LineConfiguration.model_validate(table)
    except ValidationError as error:
        raise BadConfig(detail=f"{path}: " + "; ".join(map(_explain, error.errors()))) from error


def _explain(problem: Any) -> str:
    place = list(problem["loc"])
    name = ".".join(str(part) for part in place)
    if problem["type"] == "extra_forbidden":
        return f"unknown setting {name!r}; known are {', '.join(_table_at(place[:-1]).model_fields)}"
    if problem["type"] == "missing":
        return f"{name} is missing"
    sentence = problem["msg"].removeprefix("Value error, ")
    if not name:  # a rule about several settings together
        return sentence
    return f"{name} = {problem['input']!r}: {sentence[:1].lower()}{sentence[1:]}"


def _table_at(place: list[int | str]) -> type[BaseModel]:
    """The class of the table that a path of keys leads to; numbers are places in a list of tables."""
    kind: type[BaseModel] = LineConfiguration
    for part in place:
        if isinstance(part, str):
            kind = table_of(kind.model_fields[part].annotation) or kind
    return kind


def table_of(annotation: Any) -> type[BaseModel] | None:
    """The class of a field that holds a table, or a list of such."""
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None
