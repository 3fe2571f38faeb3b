"""Health: whether the server is alive, and whether it is ready, said of everything that it should serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from snag.core.errors import Unavailable
from snag.core.wire import error_json
from snag.gate.proxy.answer import GateAnswer, error_answer, json_answer
from snag.gate.upstream.state import VersionStatus


@dataclass(frozen=True)
class Readiness:
    """The whole server's state."""

    status: str  #: ready, partial (every model answers, with fewer workers), not_ready or draining
    detail: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether new requests are welcome and everything is as it should be."""
        return self.status == "ready"


def readiness(statuses: Sequence[VersionStatus], is_fresh: bool, is_draining: bool) -> Readiness:
    """Ready is a server all of whose wanted versions have all of their workers, seen a moment ago."""
    if is_draining:
        return Readiness("draining", "the server is stopping")
    if not is_fresh:
        return Readiness("not_ready", "the model server does not answer")
    asked = [one for one in statuses if one.must_serve]
    if not asked:
        return Readiness("not_ready", "there is no model")
    lacking = [one for one in asked if not one.all_ready]
    if not lacking:
        return Readiness("ready")
    return Readiness("partial" if all(one.ready for one in asked) else "not_ready", "; ".join(map(_lack, lacking)))


def _lack(one: VersionStatus) -> str:
    if one.failed is not None:
        return f"{one.model} {one.version} could not be loaded: {one.failed}"
    return f"{one.model} {one.version} has {one.ready} of {one.wanted} workers"


def live_answer() -> GateAnswer:
    """Whoever gets this has reached a living server; it restarts TorchServe by itself."""
    return json_answer({"status": "alive"})


def ready_answer(statuses: Sequence[VersionStatus], state: Readiness) -> GateAnswer:
    """Every version with its workers; 503 with the one shape of errors beside them when something is missing."""
    said: dict[str, Any] = {"status": state.status, "models": [_row(one) for one in statuses]}
    if state.is_ready:
        return json_answer(said)
    error = Unavailable(detail=state.detail)
    answer = error_answer(error)
    return GateAnswer(answer.status, json_answer({**error_json(error), **said}).body, headers=answer.headers)


def ping_answer(state: Readiness) -> GateAnswer:
    """TorchServe's /ping, in its own words but truthful."""
    words = {"ready": "Healthy", "partial": "Partial Healthy"}
    return json_answer({"status": words.get(state.status, "Unhealthy")}, 200 if state.status in words else 503)


def _row(one: VersionStatus) -> dict[str, Any]:
    row = {
        "model": one.model,
        "version": one.version,
        "default": one.is_default,
        "workers": one.wanted,
        "ready": one.ready,
        "required": one.must_serve,
    }
    return row if one.failed is None else {**row, "failed": one.failed}
