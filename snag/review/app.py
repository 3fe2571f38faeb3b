"""The page's server: pictures, overlays and labels over HTTP, for the people at this machine alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from snag.review.findings import LabelFindings, Seen, Suggestion, assumption, label_findings, suggest
from snag.review.labels import LABELS, Labels
from snag.review.spooled import Spooled, in_random_order, seen, spooled

_STATIC: Final = Path(__file__).parent / "page"
_TYPES: Final = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
#: What a browser shows by itself; of others the overlay alone is shown.
_SHOWN: Final = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp", b"BM": "image/bmp"}
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

#: Gives the overlay of a picture by model and version, or None.
Explain = Callable[[str, str, bytes], bytes | None]


class Review:
    """Shows what is in the spool and has no label yet, and takes labels down."""

    def __init__(self, spool: Path, labels: Labels, rate: float, explain: Explain, seed: int | None = None) -> None:
        """`seed` draws the order of the pictures; None: the newest comes first."""
        self._seed = seed
        self._spool = spool
        self._labels = labels
        self._rate = rate
        self._explain = explain
        self._overlay = lru_cache(maxsize=32)(self._draw)
        self._drawing = asyncio.Lock()  # one at a time: the line's own pictures come first

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(middlewares=[_guard])
        app.on_response_prepare.append(_headers)
        app.router.add_get("/", self._page)
        app.router.add_get("/page/{name}", self._page)
        app.router.add_get("/items", self._items)
        app.router.add_get("/items/{id}/picture", self._picture)
        app.router.add_get("/items/{id}/overlay", self._overlay_of)
        app.router.add_put("/items/{id}/label", self._label)
        app.router.add_delete("/items/{id}/label", self._unlabel)
        app.router.add_get("/summary", self._summary)
        return app

    async def _page(self, request: web.Request) -> web.Response:
        path = _STATIC / request.match_info.get("name", "index.html")
        if path.parent != _STATIC or path.suffix not in _TYPES or not path.is_file():
            raise web.HTTPNotFound
        return web.Response(body=path.read_bytes(), content_type=_TYPES[path.suffix], charset="utf-8")

    async def _items(self, _: web.Request) -> web.Response:
        labelled = {one.id for one in self._labels.all()}
        pictures = [one for one in spooled(self._spool) if one.id not in labelled]
        ordered = pictures if self._seed is None else in_random_order(pictures, self._seed)
        return web.json_response([_item(one) for one in ordered])

    async def _picture(self, request: web.Request) -> web.Response:
        picture = self._found(request).picture()
        kind = next((kind for sign, kind in _SHOWN.items() if picture and picture.startswith(sign)), None)
        if picture is None or kind is None:
            raise web.HTTPNotFound
        return web.Response(body=picture, content_type=kind)

    async def _overlay_of(self, request: web.Request) -> web.Response:
        found = self._found(request)
        async with self._drawing:
            overlay = await asyncio.to_thread(self._overlay, found)
        if overlay is None:
            self._overlay.cache_clear()  # the server may draw it the next time
            raise web.HTTPNotFound
        return web.Response(body=overlay, content_type="image/png")

    def _draw(self, one: Spooled) -> bytes | None:
        picture = one.picture()
        return None if picture is None else self._explain(one.model, one.version, picture)

    async def _label(self, request: web.Request) -> web.Response:
        said = await request.json()
        label = said.get("label") if isinstance(said, dict) else None
        if label not in LABELS:
            raise web.HTTPBadRequest(text=f"expected a label of {', '.join(LABELS)}")
        found = self._found(request)
        if (picture := found.picture()) is None:
            raise web.HTTPGone(text="the server has removed this picture: its spool is full, or the picture too old")
        self._labels.put(found, picture, label)  # blocks until it is on the disk: only then the page goes on
        return web.json_response({"id": found.id, "label": label})

    async def _unlabel(self, request: web.Request) -> web.Response:
        self._labels.remove(request.match_info["id"])
        return web.json_response({"id": request.match_info["id"]})

    async def _summary(self, _: web.Request) -> web.Response:
        return web.json_response(summary(self._labels, self._spool, self._rate))

    def _found(self, request: web.Request) -> Spooled:
        found = {one.id: one for one in spooled(self._spool)}.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found


def summary(labels: Labels, spool: Path, rate: float) -> list[dict[str, Any]]:
    """What the labels say, by model and version."""
    counts, every = seen(spool), labels.all()
    rows = []
    for model, version in sorted({(one.model, one.version) for one in every}):
        of_it = [one for one in every if (one.model, one.version) == (model, version)]
        had = Seen(*(counts[model, version, kind] for kind in ("flagged", "borderline", "unsuspicious")))
        found, suggestion = label_findings(of_it, had), suggest(of_it, had, rate)
        of_which = {
            "model": model,
            "version": version,
            "judged": had.judged,
            "rate": rate,
            "assumption": assumption(of_it, had),
        }
        rows.append({**of_which, **_said(found, suggestion)})
    return rows


def _said(found: LabelFindings, suggestion: Suggestion | None) -> dict[str, Any]:
    return {**asdict(found), "suggestion": None if suggestion is None else asdict(suggestion)}


def _item(one: Spooled) -> dict[str, Any]:
    return {
        "id": one.id,
        "time": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.time)),
        "request_id": one.request_id,
        "model": one.model,
        "version": one.version,
        "kind": one.kind,
        "score": one.verdict.score,
        "threshold": one.verdict.threshold,
        "p_value": one.verdict.p_value,
        "reason": one.verdict.reason,
    }


@web.middleware
async def _guard(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    """Refuse pages of other sites: a browser would let them send here, and a name that is bent to loopback read as well."""
    host = request.host.rpartition(":")[0] or request.host
    if host not in ("127.0.0.1", "localhost", "[::1]"):
        raise web.HTTPForbidden(text="this page is for this machine alone")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        raise web.HTTPForbidden(text="this request comes from another page")
    return await handler(request)


async def _headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
