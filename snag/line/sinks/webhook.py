"""WebhookSink: a POST of each event."""

from __future__ import annotations

import os
import threading
from typing import Final
from urllib.parse import urlsplit

import requests

from snag.client.session import http_session
from snag.core.errors import EventRefused, SinkAway
from snag.line.event import LineEvent
from snag.line.sink_tables import WebhookTable
from snag.line.sinks.sink import Sink

#: Statuses below 500 after which the same request may succeed.
_AGAIN: Final = (401, 403, 404, 408, 425, 429)
_TOKEN: Final = "SNAG_WEBHOOK_TOKEN"  # noqa: S105  # the variable's name


class WebhookSink(Sink):
    """2xx: it has the event. Another 4xx than those that may pass: it will never take it. Anything else: again."""

    name = "webhook"

    def __init__(self, table: WebhookTable, stop: threading.Event) -> None:
        super().__init__(stop)
        self._table = table
        self._place = _place(table.url)
        self._session = http_session()
        if token := os.environ.get(_TOKEN):
            self._session.headers["Authorization"] = f"Bearer {token}"

    def send(self, event: LineEvent) -> None:
        """Post it; the header Idempotency-Key is its id. Raises SinkAway, EventRefused."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": event.id}
        try:
            answer = self._session.post(
                self._table.url, data=event.json(), headers=headers, timeout=self._table.timeout, allow_redirects=False
            )
        except (requests.RequestException, ValueError) as error:  # ValueError: a host that is no name
            raise SinkAway(sink=self.name, detail=f"{self._place}: {type(error).__name__}") from error
        if 200 <= answer.status_code < 300:
            return
        detail = f"{self._place} answered {answer.status_code}"
        if 400 <= answer.status_code < 500 and answer.status_code not in _AGAIN:
            raise EventRefused(sink=self.name, id=event.id, detail=detail)
        raise SinkAway(sink=self.name, detail=detail)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def _place(url: str) -> str:
    """Scheme, host and port: what a log may show, since users, paths and queries of such addresses hold secrets."""
    try:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}" + ("" if parts.port is None else f":{parts.port}")
    except ValueError:
        return "its url"
