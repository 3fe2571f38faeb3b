"""A request of the server's own, straight to TorchServe: for one version of a model, and counted nowhere."""

from __future__ import annotations

import math

from snag.core.errors import ServerAnswer
from snag.gate.upstream.address import Upstream, key_header
from snag.server.request import excerpt, request

#: Tells a worker that nobody's part is judged; the gate lets no client send it.
HEADERS = {"x-snag-probe": "1", "Content-Type": "application/octet-stream"}


def score_of(upstream: Upstream, model: str, version: str, picture: bytes, timeout: float = 60.0) -> float:
    """The anomaly score that one version gives a picture.

    Raises ServerUnreachable, or ServerAnswer for anything but a verdict with a score and a threshold.
    """
    url = f"{upstream.inference}/predictions/{model}/{version}"
    answer = request("POST", url, timeout, data=picture, headers=HEADERS | key_header(upstream.inference_key))
    try:
        verdict = answer.json()
        score = float(verdict["score"])
        if math.isfinite(score) and math.isfinite(verdict["threshold"]) and verdict["version"] == version:
            return score
    except (ValueError, KeyError, TypeError):
        pass
    raise ServerAnswer(url=url, status=answer.status_code, detail=excerpt(answer))
