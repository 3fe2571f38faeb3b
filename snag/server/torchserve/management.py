"""TorchServe's management port, asked by the commands and from threads: what it has registered, and registering more."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, TypeVar

from snag.core.errors import ServerAnswer
from snag.gate.upstream.address import Upstream, key_header
from snag.gate.upstream.versions import Conversation, VersionWorkers, all_versions, model_names, versions_of
from snag.server.request import excerpt, request

T = TypeVar("T")


class Management:
    """One TorchServe's management. Its /ping is content with dead workers and with no model, this is not.

    Every method raises ServerUnreachable when nobody answers, ServerAnswer when TorchServe answers with an error.
    """

    def __init__(self, upstream: Upstream, timeout: float = 5.0) -> None:
        self._url = upstream.management
        self._timeout = timeout
        self._headers = key_header(upstream.management_key)

    def models(self) -> list[str]:
        """Names of the registered models."""
        return self._converse(model_names())

    def versions(self, model: str | None = None) -> list[VersionWorkers]:
        """The workers of every version of a model, none where it is not registered; without a model, of all models."""
        return self._converse(all_versions() if model is None else versions_of(model))

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

    def _converse(self, conversation: Conversation[T]) -> T:
        path = next(conversation)
        try:
            while True:
                path = conversation.send(self._get(path))
        except StopIteration as end:
            found: T = end.value
            return found
        except ValueError as error:
            raise ServerAnswer(url=self._url + path, status=int(HTTPStatus.OK), detail=str(error)) from error

    def _get(self, path: str) -> Any:
        try:
            return self._ask("GET", path)
        except ServerAnswer as error:
            if error.details["status"] == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _ask(self, method: str, path: str) -> Any:
        url = self._url + path
        answer = request(method, url, self._timeout, headers=self._headers)
        try:
            content = answer.json()
            message = content.get("message") if isinstance(content, dict) else None
        except ValueError:
            content, message = None, excerpt(answer)
        if not answer.ok:
            raise ServerAnswer(url=url, status=answer.status_code, detail=message or "nothing")
        return content
