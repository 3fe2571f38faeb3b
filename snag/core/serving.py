"""The settings of a worker: the table `handler` of the archive's model-config.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from snag.core.errors import BadConfig
from snag.core.picture import PictureLimits


@dataclass(frozen=True)
class ServingSettings:
    """What a worker may be told besides its model."""

    torch_threads: int = 1
    raw_height: int = 1024  #: of pictures sent as bare grey bytes; 0 refuses those
    raw_width: int = 1024
    max_pixels: int | None = None  #: what is refused from a picture's header; None: as training refused it
    max_side: int | None = None
    max_answer_bytes: int = 33_554_432  #: must not be over max_response_size of config.properties
    metrics_interval_seconds: float = 0.25  #: how often counts go to the server

    def limits(self, trained: PictureLimits) -> PictureLimits:
        """What the decoder accepts for a model whose training accepted `trained`."""
        raw = (self.raw_height, self.raw_width) if self.raw_height and self.raw_width else None
        pixels, side = self.max_pixels or trained.max_pixels, self.max_side or trained.max_side
        return replace(trained, max_pixels=pixels, max_side=side, raw_shape=raw)


def serving_settings(table: Mapping[str, Any] | None) -> ServingSettings:
    """Settings from the YAML's table over the defaults. Raises BadConfig for an unknown key or a wrong type."""
    known = {field.name: float if isinstance(field.default, float) else int for field in fields(ServingSettings)}
    for key, value in (table or {}).items():
        if key not in known:
            raise BadConfig(detail=f"model-config.yaml: unknown setting 'handler.{key}'; known are {', '.join(known)}")
        accepted = (int, float) if known[key] is float else int
        least = 0 if key.startswith("raw_") else 1e-3
        if isinstance(value, bool) or not isinstance(value, accepted) or value < least:
            raise BadConfig(detail=f"model-config.yaml: handler.{key} = {value!r}; expected a positive {known[key].__name__}")
    return ServingSettings(**(table or {}))
