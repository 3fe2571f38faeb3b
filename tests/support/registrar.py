"""A TorchServe with a gate before it, as the commands of the server room see them: made up, and quick."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from snag.gate.upstream.address import Upstream
from snag.server.state.archive import verify_archive
from snag.server.state.instance import Instance, Note
from snag.server.state.launch import Launch, write_launch
from snag.server.state.stage_archives import stage_archives
from tests.support.mars import GOLDEN, write_mar

SCORE = GOLDEN["pictures"][0]["score"]


@dataclass
class Registrar:
    """What is registered, what becomes of what is, and everything that was asked for, in order."""

    url: str = ""
    models: dict[str, list[str]] = field(default_factory=dict)  #: versions by model, the default first
    ready: bool = True  #: whether workers come up
    score: float = SCORE  #: that every version gives every picture
    refusal: str | None = None  #: what registering is answered with
    page: int = 100  #: models named at once
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)  #: of predictions

    @property
    def upstream(self) -> Upstream:
        return Upstream(self.url, self.url, self.url, "inference-key", "management-key")

    def answer(self, method: str, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        parts = path.strip("/").split("/")
        if parts[0] == "predictions":
            return 200, {"score": self.score, "threshold": 1.0, "version": parts[2]}
        if parts[0] == "health":
            rows = [
                {"model": model, "version": version, "default": not place, "required": True}
                for model, versions in self.models.items()
                for place, version in enumerate(versions)
            ]
            return 200, {"status": "ready", "models": rows}
        if method == "POST":
            return self._register(query["url"][0], query["model_name"][0])
        if len(parts) == 1:
            return self._list(int(query.get("next_page_token", ["0"])[0]))
        if parts[1] not in self.models:
            return 404, {"code": 404, "type": "ModelNotFoundException", "message": f"Model not found: {parts[1]}"}
        return self._one(method, parts[1], parts[2:])

    def _register(self, archive: str, model: str) -> tuple[int, Any]:
        if self.refusal is not None:
            return 409, {"code": 409, "type": "ConflictStatusException", "message": self.refusal}
        self.models.setdefault(model, []).append(archive.removeprefix(f"{model}-").removesuffix(".mar"))
        return 202, {"status": "Processing worker updates..."}

    def _list(self, start: int) -> tuple[int, Any]:
        names = sorted(self.models)
        found: dict[str, Any] = {"models": [{"modelName": name} for name in names[start : start + self.page]]}
        return 200, found | ({"nextPageToken": str(start + self.page)} if start + self.page < len(names) else {})

    def _one(self, method: str, model: str, rest: list[str]) -> tuple[int, Any]:
        versions = self.models[model]
        if method == "DELETE":
            versions.remove(rest[0])
            self.models = {name: some for name, some in self.models.items() if some}
        elif method == "PUT":
            versions.sort(key=lambda version: version != rest[0])
        status = "READY" if self.ready else "UNLOADING"
        described = [
            {"modelName": model, "modelVersion": version, "minWorkers": 2, "workers": [{"status": status}] * 2}
            for version in versions
        ]
        return 200, described


class _Handler(BaseHTTPRequestHandler):
    def _do(self) -> None:
        registrar: Registrar = self.server.registrar  # type: ignore[attr-defined]
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        registrar.asked.append(f"{self.command} {self.path}")
        if url.path.startswith("/predictions"):
            registrar.headers.append({name.lower(): value for name, value in self.headers.items()})
        status, value = registrar.answer(self.command, url.path, parse_qs(url.query))
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _do

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def registrar() -> Iterator[Registrar]:
    """One that listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.registrar = made = Registrar(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield made
        finally:
            server.shutdown()


@contextmanager
def kept(made: Registrar, folder: Path) -> Iterator[Instance]:
    """A folder whose server this process pretends to keep, with the made-up TorchServe and gate."""
    instance = Instance(folder)
    here = ("127.0.0.1", int(re.findall(r"\d+$", made.url)[0]))
    instance.store.mkdir(parents=True)
    instance.logs.mkdir()
    write_launch(instance.launch, Launch(here, here, here, None, 5.0, 5.0, "info", 0, 1.0, "f"))
    keys = {"inference": {"key": "inference-key"}, "management": {"key": "management-key"}}
    instance.keys.write_text(json.dumps(keys))
    with instance.kept():
        instance.remember(Note(os.getpid(), "f", 5.0, "", made.url, made.url, made.url))
        yield instance


@contextmanager
def serving_bolt(made: Registrar, folder: Path, failed: Mapping[str, str]) -> Iterator[Instance]:
    """The same, of a server of bolt 1.0 and of models that could not be taken in, with why."""
    with kept(made, folder / "server") as instance:
        write_mar(folder / "store", "bolt", "1.0")
        stage_archives(instance, [verify_archive(folder / "store", "bolt")], failed)
        yield instance
