"""launch.json: what a keeper is told, so that it needs nothing but the server's folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from snag.core.errors import BadConfig
from snag.core.files import write_text

Address = tuple[str, int]  #: host, port


@dataclass(frozen=True)
class Launch:
    """How a server is to run; its models stand in served.json."""

    inference: Address
    management: Address
    metrics: Address
    tokens: str | None  #: file of tokens; None: whoever reaches the port may ask
    timeout: float  #: seconds for bringing models up
    drain: float  #: seconds for what is in flight when it is stopped
    log_level: str
    spool: int  #: megabytes of pictures to keep for review; 0: none
    spool_days: float
    fingerprint: str  #: digest of all settings
    allowed_origins: tuple[str, ...] = ()  #: whose pages' scripts may ask


def read_launch(path: Path) -> Launch:
    """Raises BadConfig when there is none."""
    try:
        fields = json.loads(path.read_text())
        addresses = {name: (fields[name][0], fields[name][1]) for name in ("inference", "management", "metrics")}
        origins = tuple(fields.get("allowed_origins", ()))
        return Launch(**(fields | addresses | {"allowed_origins": origins}))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadConfig(detail=f"{path}: {error}; `make serve` writes it") from error


def write_launch(path: Path, launch: Launch) -> None:
    """Replace the file atomically."""
    write_text(path, json.dumps(asdict(launch), indent=1) + "\n")
