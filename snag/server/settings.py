"""ServeSettings: everything that can be said about a server when it is started."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, field_validator

from snag.cli.model_name import NAME_RULE, is_model_name
from snag.cli.settings import Settings

HERE: Final = Path(__file__).parent


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
    inference_host: str = Field("127.0.0.1", description="address of predictions; 0.0.0.0 opens them to the network")
    management_host: str = Field("127.0.0.1", description="address of the view of the models")
    metrics_host: str = Field("127.0.0.1", description="address of the metrics' scrape")
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
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list):
            return value
        names = [name.strip() for word in words for name in str(word).split(",")]
        if not all(map(is_model_name, names)):
            raise ValueError(NAME_RULE)
        return names

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


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
