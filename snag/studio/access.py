"""Access: who may ask the studio. On loopback no page of another site, on a network nobody without a token of the gate."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qs

from snag.cli.hosts import is_loopback
from snag.core.errors import Unauthorised
from snag.gate.tokens import Guard
from snag.studio import texts

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

COOKIE: Final = "snag_studio"
LOGIN: Final = "/login"
_LONGEST: Final = 4096  #: bytes of a form with a token
#: Everything comes from here: Vue compiles its templates in the page, hence the two unsafe words.
_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
_HEADERS: Final = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with no-referrer browsers send `Origin: null` with the login's form
]


class Doorkeeper:
    """An ASGI application in front of another, for requests and sockets alike."""

    def __init__(self, app: Any, guard: Guard | None) -> None:
        """`guard`: whose tokens are asked for; None: the studio listens on loopback alone."""
        self.app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what may pass."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if self._is_foreign(headers):
            await _refuse(scope, send, 403, texts.FOREIGN_PAGE)
        elif self._guard is not None and scope["type"] == "http" and scope["path"] == LOGIN:
            await self._login(scope, receive, send)
        elif self._guard is None or self._is_known(headers):
            if self._guard is not None and scope["type"] == "websocket":
                receive, send = _while(lambda: self._is_known(headers), receive, send)
            await self.app(scope, receive, _with_headers(send))
        elif scope["type"] == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            await _answer(send, 401, _login_page(""))
        else:
            await _refuse(scope, send, 401, texts.LOGIN_NEEDED)

    def _is_foreign(self, headers: dict[str, str]) -> bool:
        """A browser would let pages of other sites send here, and one whose name is bent to loopback read as well."""
        host = headers.get("host", "")
        if self._guard is None and not is_loopback(_without_port(host)):
            return True
        origin = headers.get("origin")
        return origin is not None and origin.partition("://")[2] != host

    def _is_known(self, headers: dict[str, str]) -> bool:
        shown = headers.get("authorization")
        tokens = [shown] if shown else [f"Bearer {value}" for value in _cookies(headers.get("cookie", ""))]
        return any(self._name(one) is not None for one in tokens)

    def _name(self, authorization: str | None) -> str | None:
        try:
            return None if self._guard is None else self._guard.name_of(authorization)
        except Unauthorised:
            return None

    async def _login(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await _answer(send, 200, _login_page(""))
            return
        body = b""
        while len(body) <= _LONGEST:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        token = parse_qs(body.decode("latin-1")).get("token", [""])[0].strip()
        if not token.isascii() or self._name(f"Bearer {token}") is None:
            await _answer(send, 401, _login_page(texts.LOGIN_UNKNOWN))
            return
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        cookie = f"{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/{secure}"
        await _answer(send, 303, "", [(b"location", b"/"), (b"set-cookie", cookie.encode())])


def _cookies(header: str) -> list[str]:
    """The values of ours, found by hand: http.cookies drops all of them where one of another program is odd."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return [value.strip().strip('"') for name, _, value in pairs if name.strip() == COOKIE]


def _without_port(host: str) -> str:
    """`[::1]:8088` -> `::1`."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _while(is_known: Callable[[], bool], receive: Receive, send: Send) -> tuple[Receive, Send]:
    """A socket that is closed when a message comes after its token was revoked; a browser answers pings at least."""
    is_closed = False

    async def received() -> Message:
        nonlocal is_closed
        message = await receive()
        if message["type"] != "websocket.receive" or is_closed or is_known():
            return message
        is_closed = True
        await send({"type": "websocket.close", "code": 1008})
        return {"type": "websocket.disconnect", "code": 1008}

    async def sent(message: Message) -> None:
        if not is_closed:
            await send(message)

    return received, sent


def _login_page(wrong: str) -> str:
    alert = f'<p role="alert">{html.escape(wrong)}</p>' if wrong else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{texts.STUDIO}</title><style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;"
        "max-width:26rem;margin:20vh auto;padding:0 1rem}input,button{font:inherit;padding:.5rem;width:100%;"
        f"box-sizing:border-box;margin-top:.5rem}}</style><h1>{texts.STUDIO}</h1>{alert}"
        f'<form method="post" action="{LOGIN}"><label>{texts.LOGIN_LABEL}<input name="token" type="password" required '
        f'autocomplete="current-password" autofocus></label><button>{texts.LOG_IN}</button></form>'
        f"<p>{texts.LOGIN_HINT}</p></html>"
    )


async def _answer(send: Send, status: int, text: str, more: list[tuple[bytes, bytes]] | None = None) -> None:
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store"), *_HEADERS, *(more or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


async def _refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await _answer(send, status, html.escape(text))


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await send(message)

    return sent
