"""Record: what is noted of one request, for the log and the metrics. Never a byte of its picture."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, Final

from snag.gate.proxy.answer import GateAnswer

_DURATION: Final = re.compile(r"(\w+);dur=([0-9.]+)")
#: Fields of an answer, by the names that they have in the log.
_VERDICT: Final = {
    "Anomaly": "anomaly",
    **{name: name for name in ("score", "p_value", "reason", "group", "threshold_of", "version")},
}


@dataclass
class Record:
    """Filled in while the request is worked on."""

    request_id: str
    endpoint: str
    model: str | None = None
    version: str | None = None
    digest: bytes | None = None  #: of its picture; for the watch for drift, and in no log
    token: str | None = None  #: name of the token that it came with
    size: int | None = None  #: bytes of its body
    retries: int | None = None
    status: int = 0
    code: str | None = None  #: of the error that it was answered with
    verdict: dict[str, Any] = field(default_factory=dict)
    ranks: str | None = None  #: the picture's places among the calibration pictures, see snag/core/ranks.py
    is_told: bool = False  #: by the records of its pictures, of which a request of the open inference protocol has several
    is_repeat: bool = False  #: the line has just had the same picture: it is answered, and not watched
    times: dict[str, float] = field(default_factory=dict)  #: milliseconds that the worker needed
    began: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Since the request began."""
        return time.perf_counter() - self.began

    def note(self, answer: GateAnswer) -> None:
        """Take down how it was answered."""
        self.status, self.ranks = answer.status, answer.ranks
        if answer.server_timing:
            self.times = {f"{name}_ms": float(value) for name, value in _DURATION.findall(answer.server_timing)}
        if answer.content_type != "application/json":
            return
        try:
            said = json.loads(answer.body)
        except ValueError:
            return
        if isinstance(said, dict) and isinstance(said.get("error"), dict):
            self.code = said["error"].get("code")
        elif isinstance(said, dict):
            self.verdict = {name: said[key] for key, name in _VERDICT.items() if key in said}

    @property
    def level(self) -> str:
        """How much it matters."""
        return "error" if self.status >= 500 else "warning" if self.status >= 400 else "info"

    def fields(self) -> dict[str, Any]:
        """The line of the log."""
        return {
            "request_id": self.request_id,
            "endpoint": self.endpoint,
            "model": self.model,
            "version": self.version,
            "token": self.token,
            "status": self.status,
            "code": self.code,
            **self.verdict,
            "ranks": self.ranks,
            "repeat": self.is_repeat or None,
            "bytes": self.size,
            "ms": round(self.seconds * 1000, 1),
            **self.times,
            "retries": self.retries,
        }
