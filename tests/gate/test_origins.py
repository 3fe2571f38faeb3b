"""Pages of other origins: whose scripts may ask, as a browser sees it."""

from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from snag.gate.token import main as token
from tests.support.browser import browser_page
from tests.support.torchserve import VERDICT, house, run

PREDICT = "/predictions/bolt"
PAGE = "https://line.example:8443"
ASKED = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,snag-group"}
SCRIPT = """
(async () => {
  const picture = new Blob([new Uint8Array([137, 80, 78, 71])], {type: "image/png"});
  const url = "%s" + (%s ? "?heatmap=perhaps" : "");
  const sent = {method: "%s", body: picture, headers: {"Snag-Group": "camera-2", "X-Request-Id": "from-a-page"}};
  try {
    const answer = await fetch(url, sent);
    const said = await answer.json();
    return [answer.status, said.Anomaly ?? said.error.code, answer.headers.get("X-Request-Id")];
  } catch (error) { return error.name; }
})()
"""


async def preflight(one, headers, path=PREDICT):
    """Status and headers of the answer to a browser's first question."""
    async with one.client.options(one.url(path), headers=headers) as answer:
        return answer.status, answer.headers, await answer.text()


class TestHeaders:
    @run
    async def test_off(self, tmp_path):
        """Unless origins are named, nothing is said of them."""
        async with house(tmp_path) as one:
            status, headers, _ = await preflight(one, ASKED)
            _, _, answered = await one.ask(PREDICT, headers={"Origin": PAGE})

        assert (status, headers["Allow"]) == (405, "POST, PUT")
        assert {name for name in (*headers, *answered) if name.startswith("Access-Control") or name == "Vary"} == set()

    @run
    async def test_preflight(self, tmp_path):
        """An allowed page is told what it may send, and nobody is asked for a token or for a verdict."""
        assert token(["add", "--name", "a", "--tokens", str(tmp_path / "t.json")]) == 0
        async with house(tmp_path, allowed_origins=(PAGE,), tokens=tmp_path / "t.json") as one:
            status, headers, text = await preflight(one, ASKED | {"Access-Control-Request-Private-Network": "true"})
            asked = one.torchserve.asked

        assert (status, text, asked) == (204, "", [])
        assert {name: headers[name] for name in headers if name not in ("Date", "Server", "X-Request-ID")} == {
            "Allow": "POST, PUT, OPTIONS",
            "Access-Control-Allow-Origin": PAGE,
            "Access-Control-Allow-Methods": "GET, POST, PUT",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, Snag-Group, X-Request-Id",
            "Access-Control-Allow-Private-Network": "true",
            "Access-Control-Expose-Headers": "Retry-After, Server-Timing, X-Request-Id",
            "Access-Control-Max-Age": "600",
            "Vary": "Origin",
        }

    @pytest.mark.parametrize("origin", ["https://other.example", "https://line.example", "null", PAGE + ".evil.example", ""])
    @run
    async def test_others(self, tmp_path, origin):
        """Any other page gets no header by which a browser would show it the answer."""
        async with house(tmp_path, allowed_origins=(PAGE,)) as one:
            status, headers, text = await preflight(one, ASKED | {"Origin": origin})
            judged, _, answered = await one.ask(PREDICT, headers={"Origin": origin})

        assert (status, judged) == (403, 200)
        assert "origin_not_allowed" in text
        assert headers["Vary"] == answered["Vary"] == "Origin"
        assert "Access-Control-Allow-Origin" not in {*headers, *answered}

    @run
    async def test_every_answer(self, tmp_path):
        """Verdicts, errors and health are shown to an allowed page alike, the refusal of its token too."""
        assert token(["add", "--name", "a", "--tokens", str(tmp_path / "t.json")]) == 0
        async with house(tmp_path, allowed_origins=(PAGE,), max_request_bytes=100) as one:
            answers = [
                await one.ask(PREDICT, headers={"Origin": PAGE}),
                await one.ask(PREDICT + "?x=1", headers={"Origin": PAGE}),
                await one.ask(PREDICT, data=bytes(101), headers={"Origin": PAGE}),
                await one.ask(PREDICT, "DELETE", headers={"Origin": PAGE}),
                await one.ask("/nowhere", headers={"Origin": PAGE}),
                await one.ask("/health/ready", "GET", None, headers={"Origin": PAGE}),
            ]
        async with house(tmp_path, allowed_origins=(PAGE,), tokens=tmp_path / "t.json") as one:
            answers.append(await one.ask(PREDICT, headers={"Origin": PAGE}))

        assert [status for status, _, _ in answers] == [200, 400, 413, 405, 404, 200, 401]
        assert {headers["Access-Control-Allow-Origin"] for *_, headers in answers} == {PAGE}
        assert {headers["Vary"] for *_, headers in answers} == {"Origin"}

    @run
    async def test_any(self, tmp_path):
        """A star lets every page in; what is no page's question is answered without a word of it."""
        async with house(tmp_path, allowed_origins=("*",)) as one:
            status, headers, _ = await preflight(one, ASKED | {"Origin": "null"})
            plain, without, _ = await preflight(one, {})

        assert (status, headers["Access-Control-Allow-Origin"], plain, without["Allow"]) == (
            204,
            "*",
            204,
            "POST, PUT, OPTIONS",
        )
        assert "Vary" not in headers
        assert "Access-Control-Allow-Origin" not in without


@asynccontextmanager
async def page_server():
    """A page, at two origins that differ in the name of the host."""
    app = web.Application()

    async def show(_):
        return web.Response(text="a page")

    app.router.add_get("/", show)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}", f"http://localhost:{port}"
    finally:
        await runner.cleanup()


@run
async def test_in_a_browser(tmp_path):
    """A real browser shows a page the verdict, and an error, where its origin is allowed, and nothing where it is not."""
    async with (
        page_server() as (origin, other),
        browser_page(tmp_path) as page,
        house(tmp_path, allowed_origins=(origin,)) as one,
    ):
        await page.open(origin)
        got = [
            await page.value(SCRIPT % (one.url(PREDICT), wrong, method))
            for method, wrong in (("POST", "false"), ("PUT", "false"), ("POST", "true"))
        ]
        await page.open(other)
        refused = await page.value(SCRIPT % (one.url(PREDICT), "false", "POST"))
        asked = len(one.torchserve.asked)

    anomaly = VERDICT["Anomaly"]
    assert got == [[200, anomaly, "from-a-page"], [200, anomaly, "from-a-page"], [400, "bad_request", "from-a-page"]]
    assert (refused, asked) == ("TypeError", 2)
