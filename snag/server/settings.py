"""ServeSettings: everything that can be said about a server when it is started."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, field_validator

from snag.cli.hosts import Host, host_of
from snag.cli.model_name import NAME_RULE, is_model_name
from snag.cli.settings import Settings
from snag.gate.settings import ANY_ORIGIN

HERE: Final = Path(__file__).parent
_USUAL_PORTS: Final = {"http": 80, "https": 443}


def folder_of(inference_port: int) -> Path:
    """The default folder of the server on a port."""
    return Path("runs") / f"server-{inference_port}"


class WhichServer(Settings):
    """Which server a command is about."""

    inference_port: int = Field(8080, ge=1, le=65535, description="the server's port of predictions")
    management_port: int | None = Field(None, description="not needed; accepted so that all commands take the same flags")
    metrics_port: int | None = Field(None, description="not needed; accepted so that all commands take the same flags")
    server_folder: Path | None = Field(None, description="the server's folder, where it was given at the start")

    @property
    def folder(self) -> Path:
        """Where the server runs."""
        return self.server_folder or folder_of(self.inference_port)


class ChangeSettings(WhichServer):
    """Which model of which server."""

    model: str = Field(description="name of the model")


class ServeSettings(Settings):
    """Serve models."""

    model: list[str] = Field(
        min_length=1,
        description="names of the models, a,b or the flag again, or all; the archive of each is MODEL_STORE/MODEL.mar",
    )
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    inference_port: int = Field(8080, ge=1, le=65535, description="port of predictions and explanations")
    management_port: int = Field(8081, ge=1, le=65535, description="port of the read-only view of the models")
    metrics_port: int = Field(8082, ge=1, le=65535, description="port of the metrics' scrape")
    inference_host: Host = Field(
        "127.0.0.1", description="address of predictions; 0.0.0.0 opens them to the network, :: by IPv6 as well"
    )
    management_host: Host = Field("127.0.0.1", description="address of the view of the models")
    metrics_host: Host = Field("127.0.0.1", description="address of the metrics' scrape")
    allowed_origins: list[str] = Field(
        [], description="whose pages' scripts may ask, https://a.example,https://b.example or *; without it nobody's"
    )
    tokens: Path | None = Field(None, description="file of tokens of which clients must show one; snag token makes it")
    foreground: bool = Field(False, description="stay until stopped, with the log on standard output")
    timeout: float = Field(120.0, gt=0, description="seconds that the models may take to come up")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level of the log of requests")
    drain: float = Field(30.0, ge=0, description="seconds that requests in flight get when the server is stopped")
    spool: int = Field(0, ge=0, description="megabytes of flagged and borderline pictures to keep for `make review`; 0: none")
    spool_days: float = Field(14.0, gt=0, description="days after which such a picture is removed")
    server_folder: Path | None = Field(None, description="folder of configuration, logs and temporary files")
    config: Path = Field(HERE / "config.properties", description="TorchServe's settings to start from")

    @field_validator("model", mode="before")
    @classmethod
    def _one_by_one(cls, value: Any) -> Any:
        names = _parts(value)
        if names is None:
            return value
        if not all(map(is_model_name, names)):
            raise ValueError(NAME_RULE)
        return names

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _origins(cls, value: Any) -> Any:
        parts = _parts(value)
        if parts is None:
            return value
        origins = list(dict.fromkeys(map(_origin, parts)))
        if ANY_ORIGIN in origins and len(origins) > 1:
            raise ValueError(f"{ANY_ORIGIN} lets every page in; expected it alone, or the others without it")
        return origins

    @property
    def folder(self) -> Path:
        """Where the server runs."""
        return self.server_folder or folder_of(self.inference_port)

    @property
    def listeners(self) -> dict[str, tuple[str, int]]:
        """The public addresses by the flag of their port."""
        return {
            "--inference-port": (self.inference_host, self.inference_port),
            "--management-port": (self.management_host, self.management_port),
            "--metrics-port": (self.metrics_host, self.metrics_port),
        }


def _parts(value: Any) -> list[str] | None:
    """The parts of a list that is written a,b or by giving the flag again; None for no list, which the field refuses."""
    words = [value] if isinstance(value, str) else value
    return [part.strip() for word in words for part in str(word).split(",")] if isinstance(words, list) else None


def _origin(text: str) -> str:
    """An origin as a browser names it: in small letters, without the port that its scheme has anyway."""
    found = re.fullmatch(r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", text.lower(), re.ASCII)
    if text != ANY_ORIGIN and (found is None or int(found[3] or 0) > 65535):
        raise ValueError(f"{text!r} is no origin; expected scheme://host or scheme://host:port and nothing behind it, or *")
    if found is None:
        return text
    scheme, host, port = found.groups()
    is_usual = port is None or _USUAL_PORTS.get(scheme) == int(port)
    return f"{scheme}://{f'[{host_of(host)}]' if host.startswith('[') else host}{'' if is_usual else f':{int(port)}'}"
