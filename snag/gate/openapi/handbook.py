"""The handbook: the answers that tell how to ask, made once for a gate."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Final

from snag.gate.openapi.document import document
from snag.gate.proxy.addresses import DOCUMENT, PAGE
from snag.gate.proxy.answer import GateAnswer
from snag.gate.settings import GateSettings

_HERE: Final = Path(__file__).parent
_HEADERS: Final = (("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))


def handbook(settings: GateSettings) -> dict[str, GateAnswer]:
    """By path: the OpenAPI document, and the page that reads it. Neither is secret: they say no more than the manual does."""
    text = json.dumps(document(settings), ensure_ascii=False).encode()
    return {DOCUMENT: GateAnswer(200, text, headers=_HEADERS), PAGE: page()}


def page() -> GateAnswer:
    """One file with its style and script inside, and a policy by which nothing else is loaded or run."""
    style, script = ((_HERE / f"page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    text = (_HERE / "page.html").read_text(encoding="utf-8")
    body = text.replace("/* style */", style).replace("/* script */", script).encode()
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return GateAnswer(200, body, "text/html; charset=utf-8", headers=(*_HEADERS, ("Content-Security-Policy", policy)))


def _digest(text: str) -> str:
    """As a content security policy names what may run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
