"""A line in a test: a gate that answers by what a picture's bytes say, a receiver of events, and a line that runs meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from snag.core.errors import BrokenPicture, InternalError, Overloaded, Unavailable
from snag.core.verdict import Verdict
from snag.core.wire import error_json, verdict_json
from snag.line.configuration import LineConfiguration
from snag.line.line import Line
from snag.server.state.ports import free_ports

PATIENCE = 20.0
GOOD = Verdict(False, 0.25, 0.5, 0.75, 0.125)
BAD = Verdict(True, 2.5, 0.5, 0.0625, 0.125)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def parse_request(self) -> bool:
        if self.server.is_over:  # a kept connection outlives the server's thread, and must not
            self.close_connection = True
            return False
        return super().parse_request()

    def do_GET(self) -> None:
        self._answer(200, "text/plain", self.server.scrape.encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, value = self.server.said(self.path, dict(self.headers), body)
        self._answer(status, "application/json", json.dumps(value).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    scrape = ""
    is_over = False

    def handle_error(self, *_: object) -> None:  # a client that gave up
        pass


class FakeHttp:
    """A server on a port of its own that can go away and come back there."""

    def __init__(self) -> None:
        self.port = free_ports(1)[0]
        self.scrape = ""
        self._server: _Server | None = None

    def said(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        raise NotImplementedError

    def start(self) -> None:
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.said = self.said  # type: ignore[attr-defined]
        self._server.scrape = self.scrape
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.is_over = True
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def tells(self, scrape: str) -> None:
        self.scrape = scrape
        if self._server is not None:
            self._server.scrape = scrape

    def __enter__(self) -> FakeHttp:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class FakeGate(FakeHttp):
    """Answers as the gate does. A picture that says "bad" is anomalous, "broken" refused, "bug" an error of the server."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bytes] = []
        self.groups: list[str | None] = []
        self.delay = 0.0  #: seconds before each answer
        self.is_unavailable = False
        self.overloaded = 0  #: answers that say so

    def said(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        self.seen.append(body)
        self.groups.append(headers.get("Snag-Group"))
        time.sleep(self.delay)
        if self.overloaded:
            self.overloaded -= 1
            return 503, error_json(Overloaded(detail="100 at once"))
        if self.is_unavailable:
            return 503, error_json(Unavailable(detail="no worker"))
        if b"broken" in body:
            return 400, error_json(BrokenPicture(detail="it ends early"))
        if b"bug" in body:
            return 500, error_json(InternalError())
        return 200, verdict_json(BAD if b"bad" in body else GOOD, "bolt", "1.0")


class Receiver(FakeHttp):
    """Takes events as a webhook does; `refuses` says with which status, and for how many it does not."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.statuses: list[int] = []  #: of the next answers; without one, all goes well

    def said(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.events.append(json.loads(body))
            self.keys.append(headers["Idempotency-Key"])
        return status, {}

    @property
    def ids(self) -> Counter[str]:
        return Counter(event["id"] for event in self.events)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events"


def configured(folder: Path, gate: FakeHttp, **tables: Any) -> LineConfiguration:
    """A line of one folder, `in`, that asks the gate; `tables` come over that."""
    usual = {
        "model": "bolt",
        "folder": folder / "line",
        "server": {"inference_port": gate.port, "metrics_port": gate.port},
        "fail_safe": {"deadline": 2.0, "heartbeat": 0.05, "drift_poll": 0.05},
        "folders": [] if "cameras" in tables else [{"name": "in", "path": folder / "in", "settle": 0.05, "poll": 0.02}],
    }
    return LineConfiguration.model_validate(usual | tables)


@contextmanager
def running(configuration: LineConfiguration) -> Iterator[Line]:
    """The line, with a thread that turns it, until the block ends."""
    line, ends = Line(configuration), threading.Event()

    def turn() -> None:
        while not ends.wait(0.02):
            line.turn()

    thread = threading.Thread(target=turn)
    try:
        line.start()
        thread.start()
        yield line
    finally:
        ends.set()
        if thread.is_alive():
            thread.join()
        line.stop()


def until(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until it holds; fail where it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def drop(folder: Path, name: str, content: bytes) -> None:
    """A picture moved in at once, as a camera's program does."""
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f".{name}.part"
    half.write_bytes(content)
    half.rename(folder / name)


def names(folder: Path) -> list[str]:
    """The files of a folder without the ids before their names, sorted."""
    return sorted(path.name.partition("_")[2] for path in folder.iterdir()) if folder.is_dir() else []
