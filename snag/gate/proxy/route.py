"""Route: what a request's path asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: TorchServe's own rule for names. Nothing that needs an escape, no dot or slash in front: no name leads anywhere else.
NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"
ENDPOINTS: Final = ("predictions", "explanations")  #: what a model may be asked for
_JUDGED: Final = re.compile(rf"/({'|'.join(ENDPOINTS)})/({NAME})(?:/({NAME}))?", re.ASCII)
_DESCRIBED: Final = re.compile(rf"/models(?:/{NAME}(?:/{NAME})?)?", re.ASCII)


@dataclass(frozen=True)
class Route:
    """A model that shall judge a picture."""

    endpoint: str  #: of ENDPOINTS
    model: str
    version: str | None = None  #: None: the default one

    @property
    def path(self) -> str:
        """As TorchServe knows it."""
        return f"/{self.endpoint}/{self.name}"

    @property
    def name(self) -> str:
        """Model, and version where one was named."""
        return self.model if self.version is None else f"{self.model}/{self.version}"


def parse_route(path: str) -> Route | None:
    """The route of a raw path without its query; None when it leads to no model."""
    match = _JUDGED.fullmatch(path)
    return Route(*match.groups()) if match else None


def is_description(path: str) -> bool:
    """Whether the raw path is one of management's that describe models."""
    return _DESCRIBED.fullmatch(path) is not None
