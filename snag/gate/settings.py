"""GateSettings: everything that the gate is told when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ANY_ORIGIN: Final = "*"


@dataclass(frozen=True)
class SpoolSettings:
    """Where flagged and borderline pictures are kept for people to look at, how many and for how long."""

    folder: Path
    max_bytes: int
    max_days: float = 14.0
    margin: float = 0.1  #: a score that lies less than this share of the threshold below it is borderline


@dataclass(frozen=True)
class GateSettings:
    """Addresses are (host, port); sizes are bytes, times are seconds."""

    inference: tuple[str, int]
    management: tuple[str, int]
    metrics: tuple[str, int]
    tokens: Path | None  #: file of tokens (snag/gate/tokens.py); None: whoever reaches the port may ask
    log_file: Path
    allowed_origins: tuple[str, ...] = ()  #: whose pages' scripts may ask, as a browser names them; ANY_ORIGIN: anybody's
    drift_file: Path | None = None  #: keeps the watches for drift over restarts; None: they end with the process
    spool: SpoolSettings | None = None  #: None: no picture is kept
    log_level: str = "info"
    console: bool = False  #: log on standard output too
    max_request_bytes: int = 16_777_216  #: the same as TorchServe's max_request_size
    max_buffered_bytes: int = 268_435_456  #: bodies of all requests together
    max_in_flight: int = 100
    max_connections: int = 1000  #: for each port
    body_seconds: float = 30.0  #: for the whole body to arrive, and for the client to take its answer
    answer_seconds: float = 60.0  #: for the answer, from when the body is there
    keepalive_seconds: float = 75.0  #: for the next request's header on an open connection
    linger_seconds: float = 5.0  #: for the rest of a refused body, so that its sender gets to read why
    farewell_seconds: float = 0.5  #: for requests that are refused on open connections before all are closed
    grace_seconds: float = 15.0  #: a model without any worker keeps requests waiting so long, then they are refused at once
    poll_seconds: float = 1.0  #: how often TorchServe is asked for its workers
