"""Tables of the line's file: where verdicts go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from snag.cli.hosts import Host
from snag.line.tables import LineTable, Port

Topic = Annotated[str, StringConstraints(pattern=r"^[^\s+#/][^\s+#]*$", max_length=200)]


class SinkTable(LineTable):
    """What every sink has: a spool on the disk, in which events wait while it is away."""

    spool: int = Field(100_000, ge=1, description="events that may wait")
    when_full: Literal["drop_oldest", "wait"] = Field(
        "drop_oldest", description="what happens when so many wait: the oldest is dropped and counted, or the line stops"
    )
    max_age: float | None = Field(
        None,
        gt=0,
        description="seconds after which an event is no longer sent, but counted: nothing may move by an old verdict",
    )


class MqttTable(SinkTable):
    """MQTT: events on `TOPIC/SOURCE/verdict`, `TOPIC/state` (retained, with a last will), `TOPIC/heartbeat`.

    The password is read from the environment, `SNAG_MQTT_PASSWORD`.
    """

    host: Host = Field("127.0.0.1", description="where the broker is")
    port: Port = Field(1883, description="its port; 8883 is usual with TLS")
    topic: Topic = Field("snag/line", description="what all topics begin with")
    client_id: str = Field("", max_length=64, description="name of the connection; empty: one is drawn")
    username: str | None = Field(None, description="user at the broker")
    tls: bool = Field(False, description="speak TLS")
    ca_file: Path | None = Field(None, description="certificates that the broker's must go back to; unset: the system's")
    cert_file: Path | None = Field(None, description="own certificate, where the broker wants one")
    key_file: Path | None = Field(None, description="its key")
    retain: bool = Field(False, description="the broker keeps the last event of each source for who comes later")
    keepalive: int = Field(15, ge=2, le=3600, description="seconds after which either side takes a silent connection for lost")


class OpcUaTable(SinkTable):
    """An OPC UA server of the line's own: nodes for each source below `Objects/Snag`, `State` and `Heartbeat`.

    With `username`, clients must log in; the password is read from the environment, `SNAG_OPCUA_PASSWORD`.
    """

    host: Host = Field("127.0.0.1", description="address to listen on")
    port: Port = Field(4840, description="port")
    acknowledge: bool = Field(
        False, description="the next event of a source waits until a client has written the last one's Number to Acknowledged"
    )
    username: str | None = Field(
        None, description="the one user; unset: whoever reaches the port may read, trigger, acknowledge"
    )
    cert_file: Path | None = Field(None, description="certificate (DER); with it, connections are signed and encrypted")
    key_file: Path | None = Field(None, description="its key (PEM)")


class WebhookTable(SinkTable):
    """A POST of each event as JSON. A token is read from the environment, `SNAG_WEBHOOK_TOKEN`."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] = Field(
        description="address; 2xx means that it has the event"
    )
    timeout: float = Field(5.0, gt=0, description="seconds for one answer")


class CsvTable(SinkTable):
    """A table of all events, a file for each day."""

    folder: Path = Field(description="folder of YYYY-MM-DD.csv")


class SortTable(SinkTable):
    """Judged pictures once more, sorted into folders by what was decided: a hard link where the disk allows, else a copy."""

    folder: Path = Field(description="folder of SOURCE/pass and SOURCE/reject")


class CommandTable(SinkTable):
    """A program that is run for each event, with the event as JSON on its standard input: a relay, a lamp, a printer."""

    run: Annotated[list[str], Field(min_length=1)] = Field(description="the program and its arguments; no shell is asked")
    timeout: float = Field(
        5.0, gt=0, description="seconds after which it is killed; it is run again, as after an exit code but 0"
    )
