"""SnagClient: pictures to a running server, verdicts and maps back.

client = SnagClient("screw")
verdict = client.predict(Path("part.png").read_bytes())
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import requests

from snag.cli.hosts import host_of, url_of
from snag.client.session import http_session
from snag.core.errors import BadConfig, ServerAnswer, ServerUnreachable
from snag.core.verdict import Verdict
from snag.core.wire import GROUP_HEADER, parse_error, parse_verdict

_QUOTED: Final = 200  #: characters of an answer that is not understood


@dataclass(frozen=True)
class Illustrated:
    """A verdict and what was asked for besides."""

    verdict: Verdict
    pictures: dict[str, bytes]  #: PNG, each of the picture's own size
    regions: list[dict[str, Any]] | None  #: highest peak first; None unless asked for


class SnagClient:
    """One model on one server. Not to be shared between threads; a client may send one request after the other for ever."""

    def __init__(
        self,
        model: str,
        inference_port: int = 8080,
        metrics_port: int = 8082,
        host: str = "127.0.0.1",
        timeout: float = 60.0,
        token: str | None = None,
        group: str | None = None,
    ) -> None:
        self.model = model
        self.timeout = timeout  #: seconds for one answer; the server itself gives up after 60
        try:
            address = host_of(host)
        except ValueError as error:
            raise BadConfig(detail=f"host = {host!r}: {error}") from error
        self._inference = url_of(address, inference_port)
        self._metrics = url_of(address, metrics_port)
        self._session = http_session()
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"
        self._query: dict[str, str] = {}
        if group and group.isascii():  # the camera, tool or shift that this client's pictures are of
            self._session.headers[GROUP_HEADER] = group
        elif group:  # no header can carry it
            self._query["group"] = group

    def predict(self, picture: bytes) -> Verdict:
        """The verdict on one encoded picture.

        Raises the RequestError that the server answered, ServerUnreachable, or ServerAnswer for anything else.
        """
        return self._verdict(self._post(f"/predictions/{self.model}", data=picture, headers=_BYTES))

    def predict_with(self, picture: bytes, wants: Collection[str]) -> Illustrated:
        """The verdict and what is wanted besides, of snag.core.wire.WANTED, in one request; raises as `predict`."""
        flags = dict.fromkeys(wants, "true")
        answer = self._post(f"/predictions/{self.model}", files={"image": ("picture", picture)}, data=flags)
        verdict, fields = self._verdict(answer), answer.json()
        try:
            drawn = {name: base64.b64decode(fields[name], validate=True) for name in wants if name != "regions"}
            return Illustrated(verdict, drawn, list(fields["regions"]) if "regions" in wants else None)
        except (KeyError, TypeError, binascii.Error) as error:
            detail = f"a verdict without {', '.join(wants)}"
            raise ServerAnswer(url=answer.url, status=answer.status_code, detail=detail) from error

    def explain(self, picture: bytes) -> bytes:
        """The picture with its anomaly map laid over, as PNG; raises as `predict`."""
        answer = self._post(f"/explanations/{self.model}", data=picture, headers=_BYTES)
        if answer.headers.get("content-type") != "image/png":
            raise _not_understood(answer)
        return answer.content

    def ping(self) -> None:
        """Return if the server answers at all, ready or not. Raises ServerUnreachable or ServerAnswer."""
        self._checked(self._send("GET", f"{self._inference}/health/live"))

    def scrape(self) -> str:
        """The metrics in Prometheus' text format. Raises ServerUnreachable or ServerAnswer."""
        return self._checked(self._send("GET", f"{self._metrics}/metrics")).text

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _verdict(self, answer: requests.Response) -> Verdict:
        try:
            return parse_verdict(answer.json())
        except (ValueError, KeyError, TypeError) as error:
            raise _not_understood(answer) from error

    def _post(self, path: str, **content: Any) -> requests.Response:
        return self._checked(self._send("POST", self._inference + path, params=self._query, **content))

    def _checked(self, answer: requests.Response) -> requests.Response:
        if answer.ok:
            return answer
        try:
            error = parse_error(answer.json())
        except (ValueError, KeyError, TypeError):
            raise _not_understood(answer) from None
        raise error

    def _send(self, method: str, url: str, **content: Any) -> requests.Response:
        """Send, and once more where the connection breaks: the server closes it after each error, at times as we send on it.

        Judging a picture twice does no harm. What took too long is not sent again: that would take as long once more.
        """
        for last in (False, True):
            try:
                return self._session.request(method, url, timeout=self.timeout, **content)
            except requests.RequestException as error:
                # ConnectTimeout is both.
                if last or isinstance(error, requests.Timeout) or not isinstance(error, requests.ConnectionError):
                    raise ServerUnreachable(url=url, detail=_reason(error)) from error
        raise AssertionError("the second attempt returns or raises")


_BYTES: Final = {"Content-Type": "application/octet-stream"}


def _not_understood(answer: requests.Response) -> ServerAnswer:
    detail = " ".join(answer.text[:_QUOTED].split()) or "nothing"
    if answer.status_code == 413:
        detail = "the request is larger than max_request_size of config.properties"
    return ServerAnswer(url=answer.url, status=answer.status_code, detail=detail)


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "it took too long"
    return "connection refused" if "refused" in str(error) else type(error).__name__
