"""Addresses: every path that the gate answers, and at which of its ports. The OpenAPI document has an entry for each."""

from __future__ import annotations

from typing import Final

from snag.gate.proxy.route import ENDPOINTS

PING: Final = "/ping"
LIVE: Final = "/health/live"
READY: Final = "/health/ready"
DOCUMENT: Final = "/openapi.json"
PAGE: Final = "/docs"
SCRAPE: Final = "/metrics"
#: The open inference protocol, beside our own addresses.
V2: Final = "/v2"
V2_LIVE: Final = f"{V2}/health/live"
V2_READY: Final = f"{V2}/health/ready"
V2_MODELS: Final = (f"{V2}/models/{{model}}", f"{V2}/models/{{model}}/versions/{{version}}")
V2_MODELS_READY: Final = tuple(f"{path}/ready" for path in V2_MODELS)
V2_INFER: Final = tuple(f"{path}/infer" for path in V2_MODELS)

#: Paths that lead to a picture's verdict; what stands in braces is a name.
JUDGING: Final = tuple(f"/{endpoint}/{names}" for endpoint in ENDPOINTS for names in ("{model}", "{model}/{version}"))
#: What tells of the server itself: these need no token.
HEALTH: Final = (PING, LIVE, READY)
#: What describes models.
DESCRIPTIONS: Final = ("/models", "/models/{model}", "/models/{model}/{version}", "/models/{model}/all")

PAGING: Final = ("limit", "next_page_token")  #: the query of DESCRIPTIONS; never `customized`, which runs the handler

#: By port, which is a field of GateSettings.
ADDRESSES: Final[dict[str, tuple[str, ...]]] = {
    "inference": (*JUDGING, *HEALTH, DOCUMENT, PAGE, V2, V2_LIVE, V2_READY, *V2_MODELS, *V2_MODELS_READY, *V2_INFER),
    "management": (*DESCRIPTIONS, *HEALTH),
    "metrics": (SCRAPE,),
}


def expected_at(port: str) -> str:
    """What a path that leads nowhere should have been, for `NotFound`: "/a, /b/<model> or /c"; of V2 its root alone."""
    told = (path for path in ADDRESSES[port] if not path.startswith(f"{V2}/"))
    *others, last = (path.replace("{", "<").replace("}", ">") for path in told)
    return f"{', '.join(others)} or {last}" if others else last
