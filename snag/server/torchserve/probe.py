"""A request of the server's own, straight to TorchServe: for one version of a model, and counted nowhere."""

from __future__ import annotations

import math

import requests

from snag.core.errors import ServerAnswer, ServerUnreachable
from snag.gate.upstream.address import Upstream

#: Tells a worker that nobody's part is judged; the gate lets no client send it.
HEADERS = {"x-snag-probe": "1", "Content-Type": "application/octet-stream"}


def score_of(upstream: Upstream, model: str, version: str, picture: bytes, timeout: float = 60.0) -> float:
    """The anomaly score that one version gives a picture.

    Raises ServerUnreachable, or ServerAnswer for anything but a verdict with a score and a threshold.
    """
    url = f"{upstream.inference}/predictions/{model}/{version}"
    headers = HEADERS | {"Authorization": f"Bearer {upstream.inference_key}"}
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(url, data=picture, headers=headers, timeout=timeout)
    except requests.RequestException as error:
        raise ServerUnreachable(url=url, detail=type(error).__name__) from error
    try:
        verdict = answer.json()
        score = float(verdict["score"])
        if math.isfinite(score) and math.isfinite(verdict["threshold"]) and verdict["version"] == version:
            return score
    except (ValueError, KeyError, TypeError):
        pass
    raise ServerAnswer(url=url, status=answer.status_code, detail=" ".join(answer.text[:200].split()) or "nothing")
