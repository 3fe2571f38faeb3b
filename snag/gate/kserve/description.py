"""Description: what the protocol says of server and models without judging a picture; it needs no token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from snag import __version__
from snag.core.errors import SnagError, UnknownModel
from snag.gate.health import Readiness
from snag.gate.kserve.outputs import OUTPUTS, in_protocol
from snag.gate.kserve.request import INPUT
from snag.gate.proxy.addresses import V2, V2_LIVE, V2_READY
from snag.gate.proxy.answer import GateAnswer, error_answer, json_answer
from snag.gate.proxy.route import NAME, Route
from snag.gate.upstream.state import VersionStatus

_MODEL: Final = re.compile(rf"{V2}/models/({NAME})(?:/versions/({NAME}))?(/ready|/infer)?", re.ASCII)


def infer_route(path: str) -> Route | None:
    """The model that shall judge, where the path asks for that."""
    match = _MODEL.fullmatch(path)
    return Route("predictions", match[1], match[2]) if match and match[3] == "/infer" else None


def description(path: str, statuses: Sequence[VersionStatus], state: Readiness) -> GateAnswer | None:
    """The answer of a path that describes; None for any other."""
    if path == V2:
        return json_answer({"name": "snag", "version": __version__, "extensions": ["binary_tensor_data"]})
    if path == V2_LIVE:
        return json_answer({"live": True})
    if path == V2_READY:
        return json_answer({"ready": state.is_ready}, 200 if state.is_ready else 503)
    match = _MODEL.fullmatch(path)
    if match is None or match[3] == "/infer":
        return None
    try:
        found = _versions(statuses, match[1], match[2])
    except SnagError as error:
        return in_protocol(error_answer(error))
    if match[3] is None:
        return json_answer(_metadata(match[1], [one.version for one in found]))
    answering = [one for one in found if match[2] or one.is_default]
    is_ready = any(one.ready for one in answering)
    return json_answer({"name": match[1], "ready": is_ready}, 200 if is_ready else 503)


def _versions(statuses: Sequence[VersionStatus], model: str, version: str | None) -> list[VersionStatus]:
    found = [one for one in statuses if one.model == model and version in (None, one.version) and one.must_serve]
    if not found:
        raise UnknownModel(name=model if version is None else f"{model}/{version}")
    return found


def _metadata(model: str, versions: list[str]) -> dict[str, Any]:
    return {
        "name": model,
        "versions": versions,
        "platform": "snag",
        "inputs": [{"name": INPUT, "datatype": "BYTES", "shape": [-1]}],
        "outputs": [{"name": name, "datatype": one.datatype, "shape": [-1]} for name, one in OUTPUTS.items()],
    }
