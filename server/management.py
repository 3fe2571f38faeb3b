"""What the server says of its models on the management port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from snag.errors import ServerAnswer, ServerUnreachable


@dataclass(frozen=True)
class Workers:
    """One version of one model: how many of its workers can take work."""

    model: str
    version: str
    wanted: int
    ready: int

    @property
    def all_ready(self) -> bool:
        """Whether every worker that there should be is there and ready."""
        return self.ready >= self.wanted > 0


class Management:
    """The management port of one server; TorchServe's /ping is content with dead workers and with no model, this is not."""

    def __init__(self, port: int, timeout: float = 5.0) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._timeout = timeout

    def models(self) -> list[str]:
        """Names of the registered models. Raises ServerUnreachable or ServerAnswer."""
        return [model["modelName"] for model in self._get("/models?limit=1000")["models"]]

    def workers(self, model: str) -> list[Workers]:
        """The workers of every version of a model. Raises ServerUnreachable or ServerAnswer."""
        return [
            Workers(
                model=version["modelName"],
                version=version["modelVersion"],
                wanted=version["minWorkers"],
                ready=sum(worker["status"] == "READY" for worker in version["workers"]),
            )
            for version in self._get(f"/models/{model}/all")
        ]

    def _get(self, path: str) -> Any:
        url = self._url + path
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(url, timeout=self._timeout)
            answer.raise_for_status()
            return answer.json()
        except requests.HTTPError as error:
            raise ServerAnswer(url=url, status=error.response.status_code, detail=error.response.text[:200]) from error
        except requests.RequestException as error:
            raise ServerUnreachable(url=url, detail=type(error).__name__) from error
