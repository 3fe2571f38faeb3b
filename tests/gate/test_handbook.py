"""The document and the page: who may read them, and a real browser that asks by the page."""

import asyncio
import re

import pytest

from snag.gate.openapi.handbook import page
from snag.gate.tokens import entry, write_tokens
from tests.support.browser import browser_page
from tests.support.openapi import worker
from tests.support.torchserve import VERDICT, house, run
from tests.support.workers import png

TOLD = ("/openapi.json", "/docs")
PAGE = "https://line.example"
#: A picture of a file, as if somebody had chosen it.
CHOOSE = """
(() => {
  const chosen = new DataTransfer();
  chosen.items.add(new File([new Uint8Array(%s)], "part.png", {type: "image/png"}));
  document.getElementById("picture").files = chosen.files;
  document.querySelector("input[name=overlay]").click();
  document.getElementById("ask").requestSubmit();
})()
"""


async def ask_on_and_on(writer, path):
    """Until the connection ends."""
    while True:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 1000)
        await writer.drain()


class TestAccess:
    """The rule is that of health: what tells of the server and not of pictures."""

    @pytest.mark.parametrize("path", [*TOLD, "/health/live"])
    @run
    async def test_no_token(self, tmp_path, path):
        """They need no token, and are neither logged nor counted, nor is TorchServe asked."""
        write_tokens(tmp_path / "t.json", (entry("line-3", "right", None),))
        async with house(tmp_path, tokens=tmp_path / "t.json") as one:
            status, _, headers = await one.ask(path, "GET", None)
            beyond = await one.code(f"{path}/x", method="GET")
            counted = await one.scrape()
            await one.gate.close()

        assert (status, beyond, "WWW-Authenticate" in headers) == (200, (401, "unauthorised"), False)
        assert [line["endpoint"] for line in one.lines()] == ["other"]  # the one beyond
        assert sum(value for (name, _), value in counted.items() if name == "snag_http_requests_total") == 1
        assert one.torchserve.asked == []

    @pytest.mark.parametrize("path", [*TOLD, "/health/live"])
    @run
    async def test_any_method(self, tmp_path, path):
        """Whatever the method, the answer is the same; HEAD has no body."""
        async with house(tmp_path) as one:
            answers = []
            for method in ("GET", "POST", "DELETE", "HEAD"):
                async with one.client.request(method, one.url(path)) as answer:
                    answers.append((answer.status, await answer.read()))

        whole = answers[0][1]
        assert len(whole) > 10
        assert answers == [(200, whole)] * 3 + [(200, b"")]

    @pytest.mark.parametrize("path", [*TOLD, "/health/live"])
    @run
    async def test_origins(self, tmp_path, path):
        """A page from elsewhere reads them where its origin is named, and only there."""
        async with house(tmp_path, allowed_origins=(PAGE,)) as one:
            found = [await one.ask(path, "GET", None, headers={"Origin": origin}) for origin in (PAGE, "https://a.example")]
            preflight, _, _ = await one.ask(path, "OPTIONS", None, headers={"Origin": PAGE})
        async with house(tmp_path) as one:
            found.append(await one.ask(path, "GET", None, headers={"Origin": PAGE}))

        assert [headers.get("Access-Control-Allow-Origin") for _, _, headers in found] == [PAGE, None, None]
        assert ([status for status, _, _ in found], preflight) == ([200] * 3, 204)

    @pytest.mark.parametrize("path", [*TOLD, "/health/live"])
    @run
    async def test_unread(self, tmp_path, path):
        """A client that asks on and on and takes no answer is hung up on: it needs no token, and shall hold nothing."""
        async with house(tmp_path, body_seconds=0.3) as one:
            _, writer = await asyncio.open_connection("127.0.0.1", one.settings.inference[1], limit=1)
            try:
                with pytest.raises(ConnectionError):
                    await asyncio.wait_for(ask_on_and_on(writer, path), 20)
            finally:
                writer.transport.abort()

    @pytest.mark.parametrize("port", ["management", "metrics"])
    @pytest.mark.parametrize("path", TOLD)
    @run
    async def test_one_port(self, tmp_path, port, path):
        """They are at the port of predictions alone."""
        async with house(tmp_path) as one:
            assert await one.code(path, method="GET", port=port) == (404, "not_found")

    @run
    async def test_while_draining(self, tmp_path):
        """They are answered for as long as the port is open."""
        async with house(tmp_path, farewell_seconds=0.0) as one:
            _, _, headers = await one.ask("/docs", "GET", None)
            await one.gate.drain(0.1)
            status, _, _ = await one.ask("/docs", "GET", None)

        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")


class TestPage:
    def test_self_contained(self):
        """It names no address but those of its own server, and nothing but its own script may run."""
        answer = page()
        text, policy = answer.body.decode(), dict(answer.headers)["Content-Security-Policy"]

        assert re.findall(r"(?:https?:)?//[a-z]", re.sub(r"^ *//.*$", "", text, flags=re.M)) == []
        assert "unsafe" not in policy
        assert policy.count("sha256-") == 2

    @run
    async def test_in_a_browser(self, tmp_path):
        """A real browser shows every address, offers the model, sends a picture, and shows verdict and overlay."""
        async with house(tmp_path) as one, browser_page(tmp_path) as shown:
            one.torchserve.script = [worker(tmp_path)]
            await shown.open(one.url("/docs"))
            model = await shown.until("document.getElementById('model').value")
            listed = await shown.value("[...document.querySelectorAll('summary > code')].map(one => one.textContent)")
            raw = await shown.value("document.getElementById('addresses').textContent.includes('`')")
            await shown.value(CHOOSE % list(png(255)))
            width = await shown.until("document.querySelector('#pictures img')?.naturalWidth")
            status, body = await shown.value("['status', 'body'].map(id => document.getElementById(id).textContent)")
            curl = await shown.value("document.getElementById('curl').textContent")
            served = (await one.ask("/openapi.json", "GET", None))[1]

        assert (model, width > 0) == (VERDICT["model"], True)
        assert set(listed) == set(served["paths"])
        assert not raw  # what stands in backticks is set as code
        assert status.startswith("200 OK, ")
        assert '"Anomaly": true' in body
        assert one.url("/predictions/bolt?overlay=true") in curl
        assert shown.complaints == []

    @run
    async def test_refused_in_a_browser(self, tmp_path):
        """A wrong token is shown as the server's own words, a right one lets the picture through."""
        write_tokens(tmp_path / "t.json", (entry("line-3", "right", None),))
        async with house(tmp_path, tokens=tmp_path / "t.json") as one, browser_page(tmp_path) as shown:
            one.torchserve.script = [worker(tmp_path)]
            await shown.open(one.url("/docs"))
            await shown.until("document.getElementById('model').value")
            await shown.value(CHOOSE % list(png(255)))
            refused = await shown.until("document.getElementById('body').textContent")
            await shown.value("document.getElementById('token').value = 'right'")
            await shown.value("document.getElementById('ask').requestSubmit()")
            status = await shown.until(
                "(text => text.startsWith('200') && text)(document.getElementById('status').textContent)"
            )

        assert '"unauthorised"' in refused
        assert status.startswith("200 OK")
