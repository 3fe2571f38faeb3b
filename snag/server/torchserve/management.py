"""TorchServe's management port: what it has registered, and registering more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from snag.core.errors import ServerAnswer, ServerUnreachable
from snag.gate.upstream.address import Upstream


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
    """One TorchServe's management. Its /ping is content with dead workers and with no model, this is not.

    Every method raises ServerUnreachable when nobody answers, ServerAnswer when TorchServe answers with an error.
    """

    def __init__(self, upstream: Upstream, timeout: float = 5.0) -> None:
        self._url = upstream.management
        self._timeout = timeout
        self._headers = {"Authorization": f"Bearer {upstream.management_key}"}

    def models(self) -> list[str]:
        """Names of the registered models."""
        names: list[str] = []
        start: str | None = "0"
        while start is not None:  # it names a hundred at a time
            page = self._ask("GET", f"/models?limit=100&next_page_token={start}")
            names += [model["modelName"] for model in page["models"]]
            start = page.get("nextPageToken")
        return names

    def workers(self, model: str) -> list[Workers]:
        """The workers of every version of a model; none where it is not registered."""
        try:
            versions = self._ask("GET", f"/models/{model}/all")
        except ServerAnswer as error:
            if error.details["status"] == 404:
                return []
            raise
        return [
            Workers(
                model=version["modelName"],
                version=version["modelVersion"],
                wanted=version["minWorkers"],
                ready=sum(worker["status"] == "READY" for worker in version["workers"]),
            )
            for version in versions
        ]

    def register(self, model: str, archive: str) -> None:
        """Begin to load an archive of the store; the first version of a model becomes its default.

        Not synchronously: that would hold up every connection that shares a thread with this one until its workers are there.
        """
        self._ask("POST", f"/models?url={archive}&model_name={model}&synchronous=false")

    def unregister(self, model: str, version: str) -> None:
        """Take a version away at once; what it has in flight is never answered."""
        self._ask("DELETE", f"/models/{model}/{version}")

    def set_default(self, model: str, version: str) -> None:
        """Let a version answer whoever names none."""
        self._ask("PUT", f"/models/{model}/{version}/set-default")

    def _ask(self, method: str, path: str) -> Any:
        url = self._url + path
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.request(method, url, timeout=self._timeout, headers=self._headers)
        except requests.RequestException as error:
            raise ServerUnreachable(url=url, detail=type(error).__name__) from error
        try:
            content = answer.json()
            message = content.get("message") if isinstance(content, dict) else None
        except ValueError:
            content, message = None, answer.text[:200]
        if not answer.ok:
            raise ServerAnswer(url=url, status=answer.status_code, detail=message or "nothing")
        return content
