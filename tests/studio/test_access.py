"""Who may ask the studio: on loopback no page of another site, on a network nobody without a token."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from snag.core.errors import BadConfig
from snag.gate.tokens import Guard, entry, write_tokens
from snag.studio.__main__ import StudioSettings, studio
from snag.studio.access import COOKIE, Doorkeeper
from tests.support.browser import browser_page

SECRET = "snag_secret"  # noqa: S105


async def inside(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    write_tokens(tmp_path / "tokens.json", (entry("line", SECRET, None),))
    return Guard(tmp_path / "tokens.json", print)


def asked(guard: Guard | None, method: str, path: str, host: str = "127.0.0.1:8088", **more: Any) -> httpx.Response:
    async def asking() -> httpx.Response:
        transport = httpx.ASGITransport(Doorkeeper(inside, guard))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.request(method, path, **more)

    return asyncio.run(asking())


def socket(guard: Guard | None, headers: dict[str, str]) -> str:
    sent: list[dict[str, Any]] = []

    async def connecting() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await Doorkeeper(inside, guard)({"type": "websocket", "path": "/", "headers": pairs}, receive, send)

    asyncio.run(connecting())
    return str(sent[0]["type"])


def test_this_machine_may_ask_and_nothing_comes_from_elsewhere() -> None:
    answer = asked(None, "GET", "/", headers={"Origin": "http://127.0.0.1:8088"})

    assert (answer.status_code, answer.text) == (200, "inside")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert socket(None, {"host": "localhost:8088", "origin": "http://localhost:8088"}) == "websocket.accept"


def test_a_page_of_another_site_or_a_name_bent_to_loopback_is_refused() -> None:
    assert asked(None, "GET", "/", headers={"Origin": "https://evil.example"}).status_code == 403
    assert asked(None, "GET", "/", host="evil.example:8088").status_code == 403
    assert socket(None, {"host": "127.0.0.1:8088", "origin": "https://evil.example"}) == "websocket.close"


def test_on_a_network_a_browser_is_asked_for_a_token_and_keeps_it(guard: Guard) -> None:
    network = "10.0.0.5:8088"
    first = asked(guard, "GET", "/", network, headers={"Accept": "text/html"})
    wrong = asked(guard, "POST", "/login", network, data={"token": "snag_wrong"})
    right = asked(guard, "POST", "/login", network, data={"token": SECRET})
    cookie = right.headers["set-cookie"]

    assert (first.status_code, 'name="token"' in first.text) == (401, True)
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    assert (right.status_code, right.headers["location"]) == (303, "/")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    kept = {"Cookie": cookie.split(";")[0]}
    assert asked(guard, "GET", "/", network, headers=kept).text == "inside"
    assert socket(guard, {"host": network, "cookie": f"{COOKIE}={SECRET}"}) == "websocket.accept"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer snag_wrong"}, {"Cookie": f"{COOKIE}=snag_wrong"}])
def test_on_a_network_nobody_gets_in_without(guard: Guard, headers: dict[str, str]) -> None:
    assert asked(guard, "GET", "/thumbnail/bolt/a.png", "10.0.0.5:8088", headers=headers).status_code == 401
    assert (
        socket(guard, {"host": "10.0.0.5:8088", **{name.lower(): value for name, value in headers.items()}})
        == "websocket.close"
    )


def test_the_studio_is_not_opened_to_a_network_without_tokens(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="snag token add"):
        studio(StudioSettings(host="10.0.0.5", tokens=tmp_path / "none.json", data_root=tmp_path))


@pytest.mark.parametrize("host", ["127.0.0.2:8088", "[::1]:8088", "[::1]", "localhost"])
def test_every_address_of_loopback_is_this_machine(host: str) -> None:
    assert asked(None, "GET", "/", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200


def test_odd_cookies_of_other_programs_do_not_log_anybody_out(guard: Guard) -> None:
    kept = {"Cookie": f'prefs={{"a": 1}}; {COOKIE}={SECRET}; [x]=y'}

    assert asked(guard, "GET", "/", "10.0.0.5:8088", headers=kept).text == "inside"


def test_a_socket_is_closed_when_its_token_is_revoked(guard: Guard, tmp_path: Path) -> None:
    sent: list[str] = []
    heard: list[str] = []

    async def listening(scope: Any, receive: Any, send: Any) -> None:
        while heard[-1:] != ["websocket.disconnect"] and len(heard) < 5:
            heard.append((await receive())["type"])
        await send({"type": "websocket.send", "text": "secret"})

    async def receive() -> dict[str, Any]:
        if len(heard) == 2:
            write_tokens(tmp_path / "tokens.json", ())
        return {"type": "websocket.connect" if not heard else "websocket.receive"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    headers = [(b"host", b"10.0.0.5:8088"), (b"cookie", f"{COOKIE}={SECRET}".encode())]
    asyncio.run(Doorkeeper(listening, guard)({"type": "websocket", "path": "/", "headers": headers}, receive, send))

    assert heard == ["websocket.connect", "websocket.receive", "websocket.disconnect"]
    assert sent == ["websocket.close"]


def test_a_real_browser_logs_in(guard: Guard, tmp_path: Path) -> None:
    server = uvicorn.Server(uvicorn.Config(Doorkeeper(inside, guard), port=0, log_level="warning", lifespan="off"))

    async def logging_in() -> None:
        serving = asyncio.create_task(server.serve())
        try:
            async with browser_page(tmp_path) as page:
                port = server.servers[0].sockets[0].getsockname()[1]
                await page.open(f"http://127.0.0.1:{port}/")
                await page.value(f"document.querySelector('input').value = '{SECRET}'")
                await page.value("document.forms[0].requestSubmit()")
                await page.until("document.body?.innerText == 'inside' && location.pathname == '/'", 20)
        finally:
            server.should_exit = True
            await serving

    asyncio.run(logging_in())
