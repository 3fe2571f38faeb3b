"""Tables of the line's file: the server, what happens without its verdict, folders and cameras that pictures come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from snag.cli.hosts import Host
from snag.core.group import is_group
from snag.line.topic_filter import TopicFilter


def _group(name: str) -> str:
    if not is_group(name):
        raise ValueError("no group can be called so; expected up to 64 printable characters, not 'pooled' or 'rest'")
    return name


#: Names of sources stand in topics, nodes and labels.
SourceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
#: What calibration may have called a group.
GroupName = Annotated[str, AfterValidator(_group)]
#: What becomes of a part while the server can't be relied on.
Action = Literal["reject", "pass", "stop"]
Port = Annotated[int, Field(ge=1, le=65535)]


class LineTable(BaseModel):
    """Base of every table: what it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ServerTable(LineTable):
    """The server that judges. Its token is read from the environment, `SNAG_TOKEN`."""

    host: Host = Field("127.0.0.1", description="where the server is")
    inference_port: Port = Field(8080, description="port of predictions")
    metrics_port: Port = Field(8082, description="port of metrics, which tell of drift")


class FailSafeTable(LineTable):
    """What the line does without a verdict that it can rely on: `reject` the part, let it `pass`, or `stop` until that ends.

    A line that stops keeps its pictures, and its heartbeat stands still.
    """

    deadline: float = Field(5.0, gt=0, description="seconds that a part may wait for its verdict")
    silent: Action = Field("reject", description="the server is away, or answers that it can't judge")
    slow: Action = Field("reject", description="the server answers, but not within the deadline")
    drifting: Action = Field(
        "pass",
        description="the server's watch has raised an alarm for this model; with `pass` verdicts count as they are, and each "
        "event says `drifting`. It ends with `snag line --acknowledge`, or with another version of the model. While the "
        "server's metrics can't be read, `reject` and `stop` hold as well",
    )
    blind: Literal["reject", "pass"] = Field("reject", description="a camera was triggered and gave no picture")
    heartbeat: float = Field(1.0, gt=0, description="seconds between two heartbeats")
    drift_poll: float = Field(10.0, gt=0, description="seconds between two looks at the server's alarms for drift")


class SourceTable(LineTable):
    """What every source has."""

    name: SourceName = Field(description="what events call it")
    group: GroupName | None = Field(
        None, description="camera, tool or shift of its pictures, where calibration knows such groups"
    )
    keep: int | None = Field(None, ge=0, description="judged pictures that stay in `done`, the newest; unset: all")


class FolderTable(SourceTable):
    """A folder that is watched: what is finished in it is judged, and moved to `done` or `failed` inside of it."""

    path: Path = Field(description="the folder; it is made if missing")
    settle: float = Field(
        0.5, ge=0, description="seconds without a change after which a file is finished; one moved in is at once"
    )
    poll: float = Field(0.2, gt=0, description="seconds between two looks")


class CameraTable(SourceTable):
    """A camera, or a video file, of which a picture is taken at each trigger."""

    url: str = Field(min_length=1, description="`rtsp://` address, device such as `/dev/video0`, or file")
    trigger: Literal["interval", "mqtt", "opcua"] = Field(
        "interval", description="what takes a picture: time, a message on `topic`, or a change of the node `Trigger`"
    )
    every: float = Field(1.0, gt=0, description="seconds between two pictures, of `interval`; of a file in its own time")
    topic: TopicFilter | None = Field(
        None, description="topic of `mqtt`; its message may name the part, as text or as JSON `part`"
    )
    format: str | None = Field(None, description="FFmpeg's format of the source, such as `v4l2`; unset: found out")
    options: dict[str, str] = Field({}, description="FFmpeg's options of the source, such as `video_size` or `rtsp_transport`")
    keep: int | None = Field(1000, ge=0, description="judged pictures that stay in `done`, the newest; unset: all")


class MetricsTable(LineTable):
    """Metrics of the line in Prometheus' text format, on a port of their own."""

    host: Host = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8095, ge=0, le=65535, description="port; 0: any")
