"""Upstream: where TorchServe listens, and which keys it wants."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Upstream:
    """One running TorchServe. The addresses are base URLs such as http://127.0.0.1:40001."""

    inference: str
    management: str
    metrics: str
    inference_key: str | None = None  #: TorchServe's own token, None where its check is off
    management_key: str | None = None


def key_header(key: str | None) -> dict[str, str]:
    """The header that carries a key of TorchServe's."""
    return {} if key is None else {"Authorization": f"Bearer {key}"}
