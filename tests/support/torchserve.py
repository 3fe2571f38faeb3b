"""A TorchServe that does what a test tells it: the one fake below the gate, and a gate in front of it."""

from __future__ import annotations

import asyncio
import functools
import inspect
import io
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from snag.gate.gate import Gate
from snag.gate.settings import GateSettings
from snag.gate.upstream.address import Upstream
from snag.server.state.ports import free_ports

VERDICT = {"Anomaly": True, "score": 2.5, "threshold": 2.0, "p_value": 0.05, "model": "bolt", "version": "1.0"}
TIMES = {"Server-Timing": "decode;dur=12.5, score;dur=20.1"}
Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


def says(status: int, value: Any = None, body: bytes | None = None, **headers: str) -> Behaviour:
    """Answers so at once; TorchServe closes the connection behind every error."""

    async def behave(_: web.Request) -> web.StreamResponse:
        content = json.dumps(value).encode() if body is None else body
        response = web.Response(status=status, body=content, content_type="application/json" if content else None)
        response.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
        if status >= 400:
            response.force_close()
        return response

    return behave


def complains(status: int, kind: str, message: str) -> Behaviour:
    """TorchServe's own shape of an error."""
    return says(status, {"code": status, "type": kind, "message": message})


def after(event: asyncio.Event, then: Behaviour) -> Behaviour:
    """Answers only when the event is set; a worker that hangs is one that nobody sets it for."""

    async def behave(request: web.Request) -> web.StreamResponse:
        await event.wait()
        return await then(request)

    return behave


async def reset(request: web.Request) -> web.StreamResponse:
    """The connection breaks, as when Java is killed or a kept one has gone stale."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


GOOD = says(200, VERDICT, **TIMES)
WORKER_DIED = complains(507, "InternalServerException", "Worker died.")
WORKER_WAS_TOO_SLOW = complains(500, "InternalServerException", "Worker died.")
NO_WORKER_OR_FULL = complains(
    503,
    "ServiceUnavailableException",
    'Model "bolt" has no worker to serve inference request. Please use scale workers API to add workers.',
)


@dataclass
class FakeTorchServe:
    """Listens on one port for all three. `script` is taken from the front for each prediction; without one, all goes well."""

    port: int = field(default_factory=lambda: free_ports(1)[0])
    script: list[Behaviour] = field(default_factory=list)
    models: dict[str, dict[str, tuple[int, int]]] = field(default_factory=lambda: {"bolt": {"1.0": (1, 1)}})
    defaults: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)  #: path, headers, body of each prediction
    managed: list[str] = field(default_factory=list)  #: path and query of each call of management
    described: bool = True  #: whether management answers at all

    @property
    def upstream(self) -> Upstream:
        url = f"http://127.0.0.1:{self.port}"
        return Upstream(url, url, url, "inference-key", "management-key")

    async def start(self) -> None:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/metrics":
            return web.Response(text="# TYPE QueueTime gauge\nQueueTime 3.0")
        if request.path.startswith("/models"):
            return await self._manage(request)
        headers = {name.lower(): text for name, text in request.headers.items()}
        self.asked.append((request.raw_path, headers, await request.read()))
        return await (self.script.pop(0) if self.script else GOOD)(request)

    async def _manage(self, request: web.Request) -> web.StreamResponse:
        self.managed.append(request.raw_path)
        if not self.described:
            return await complains(500, "InternalServerException", "out of order")(request)
        if request.headers.get("Authorization") != "Bearer management-key":
            return await complains(400, "InvalidKeyException", "Token Authorization failed.")(request)
        _, *rest = request.path.strip("/").split("/")
        if not rest:
            return self._list(int(request.query.get("next_page_token", 0)), int(request.query.get("limit", 100)))
        if rest[0] not in self.models:
            return await complains(404, "ModelNotFoundException", f"Model not found: {rest[0]}")(request)
        versions = self.models[rest[0]]
        default = self.defaults.get(rest[0], next(iter(versions)))
        chosen = list(versions) if rest[1:] == ["all"] else [default]
        return web.json_response([self._describe(rest[0], version) for version in chosen])

    def _list(self, start: int, limit: int) -> web.Response:
        """A page of models, a hundred at most whatever is asked for, and where the next one begins."""
        names, end = list(self.models), start + min(limit, 100)
        page = {"models": [{"modelName": name, "modelUrl": f"{name}.mar"} for name in names[start:end]]}
        return web.json_response(page | ({"nextPageToken": str(end)} if end < len(names) else {}))

    def _describe(self, model: str, version: str) -> dict[str, Any]:
        ready, wanted = self.models[model][version]
        workers = [{"status": "READY"}] * ready + [{"status": "UNLOADING"}] * (wanted - ready)
        queue = {"remainingCapacity": 100, "pendingRequests": 7}
        return {"modelName": model, "modelVersion": version, "minWorkers": wanted, "workers": workers, "jobQueueStatus": queue}


@dataclass
class House:
    """A gate before a fake TorchServe, and a client."""

    gate: Gate
    torchserve: FakeTorchServe
    settings: GateSettings
    client: aiohttp.ClientSession

    def url(self, path: str, port: str = "inference") -> str:
        return f"http://127.0.0.1:{getattr(self.settings, port)[1]}{path}"

    async def ask(self, path: str, method: str = "POST", data: Any = b"picture", port: str = "inference", **options: Any):
        """Status, parsed body and headers."""
        content = io.BytesIO(data) if isinstance(data, bytes) else data  # aiohttp warns of large bytes
        async with self.client.request(method, self.url(path, port), data=content, **options) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if "json" in answer.content_type else text, answer.headers

    async def code(self, path: str = "/predictions/bolt", **options: Any) -> tuple[int, str]:
        """Status and code of an answer that is an error."""
        status, said, _ = await self.ask(path, **options)
        return status, said["error"]["code"]

    async def scrape(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Every sample of the scrape: name with sorted labels, to value."""
        _, text, _ = await self.ask("/metrics", "GET", None, "metrics")
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def talk(self, data: bytes, port: str = "inference") -> bytes:
        """All that comes back to these very bytes until the gate closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", getattr(self.settings, port)[1])
        writer.write(data)
        said = await reader.read()
        writer.close()
        await writer.wait_closed()
        return said

    def connect(self) -> socket.socket:
        """A connection that is read only when the test says so; to be used as a context manager."""
        return socket.create_connection(("127.0.0.1", self.settings.inference[1]))

    def lines(self) -> list[dict[str, Any]]:
        """The log so far, of requests alone; call it when the gate is closed."""
        return [line for line in map(json.loads, self.settings.log_file.read_text().splitlines()) if "endpoint" in line]


@asynccontextmanager
async def house(folder: Path, connected: bool = True, **settings: Any) -> AsyncIterator[House]:
    """A gate that is open and, unless told otherwise, has seen TorchServe's workers."""
    ports = [("127.0.0.1", port) for port in free_ports(3)]
    made = replace(
        GateSettings(
            *ports, tokens=None, log_file=folder / "requests.log", poll_seconds=0.05, linger_seconds=0.1, farewell_seconds=0.05
        ),
        **settings,
    )
    torchserve, gate = FakeTorchServe(), Gate(made)
    await torchserve.start()
    try:
        await gate.open()
        async with aiohttp.ClientSession() as client:
            one = House(gate, torchserve, made, client)
            if connected:
                gate.connect(torchserve.upstream)
                await until(lambda: ready(one))
            yield one
    finally:
        await gate.close()
        await torchserve.stop()


async def ready(one: House) -> bool:
    """Whether the gate says that it is ready."""
    return (await one.ask("/health/ready", "GET", None))[0] == 200


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds. A test that waits in vain fails by its own limit."""
    async with asyncio.timeout(20):
        while not await holds():
            await asyncio.sleep(0.01)


async def lacks_workers(one: House) -> bool:
    """Whether the gate has noticed that some are missing."""
    return not await ready(one)


async def has_been_asked(one: House) -> bool:
    """Whether a request has reached TorchServe."""
    return bool(one.torchserve.asked)


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side hangs up; for a thread."""
    pieces = []
    while piece := connection.recv(2**20):
        pieces.append(piece)
    return b"".join(pieces)


def run(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an asynchronous test in a loop of its own."""

    @functools.wraps(test)
    def runner(*args: Any, **kwargs: Any) -> None:
        uvloop.run(test(*args, **kwargs))  # the loop that the server runs in

    runner.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    return runner
