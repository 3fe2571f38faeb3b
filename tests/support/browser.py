"""A real browser without a window, driven over its own protocol: pages, keys, and what stands on the page."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest


class Page:
    """One page of a browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.complaints: list[str] = []  #: errors of the page's scripts and of its content policy

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            said = json.loads((await self._socket.receive(timeout=60)).data)
            if said.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.complaints.append(json.dumps(said["params"])[:300])
            if said.get("id") == number:
                assert "error" not in said, said
                return said["result"]

    async def open(self, url: str) -> None:
        for domain in ("Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=url)
        await self.until("location.protocol == 'http:' && document.readyState == 'complete'")

    async def value(self, script: str) -> Any:
        """What a script on the page gives."""
        result = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def press(self, key: str) -> None:
        """Press a key and let it go, as a keyboard does."""
        names = {"key": key, "code": key if len(key) > 1 else f"Key{key.upper()}"}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **names)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **names)

    async def until(self, script: str, seconds: float = 60) -> Any:
        """Wait until a script gives something true."""
        async with asyncio.timeout(seconds):
            while not (found := await self.value(script)):
                await asyncio.sleep(0.05)
            return found


@asynccontextmanager
async def browser_page(folder: Path) -> AsyncIterator[Page]:
    """A page of a browser that is started for it; the test is skipped where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs chromium")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0"]
    running = await asyncio.create_subprocess_exec(
        program, *flags, f"--user-data-dir={folder / 'profile'}", stderr=asyncio.subprocess.DEVNULL
    )
    try:
        port = await _port(folder / "profile" / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
                address = (await answer.json())["webSocketDebuggerUrl"]
            async with session.ws_connect(address, max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        running.kill()
        await running.wait()


async def _port(path: Path) -> int:
    async with asyncio.timeout(60):
        while not path.exists() or not (said := path.read_text().split()):
            await asyncio.sleep(0.05)
    return int(said[0])
