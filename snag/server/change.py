"""Changing what a running server serves: what the commands for that have in common."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from snag.core.errors import DiskFull, ServerAnswer, ServerUnreachable
from snag.gate.upstream.address import Upstream
from snag.server.gate_client import default_versions
from snag.server.state.instance import Instance
from snag.server.state.launch import read_launch
from snag.server.state.served import Model, read_state, write_state
from snag.server.torchserve.management import Management
from snag.server.torchserve.process import find_upstream

_PAUSE: Final = 0.1  #: seconds between two looks
_NOTICED: Final = 10.0  #: seconds within which the gate must have seen what has changed; it needs one or two


@dataclass(frozen=True)
class ServerSession:
    """A running server while its change lock is held."""

    instance: Instance
    upstream: Upstream
    models: Mapping[str, Model]

    @classmethod
    def of(cls, instance: Instance) -> ServerSession:
        """The server of the folder, while `instance.changing()` lasts. Raises ServerUnreachable, BadArtifact."""
        return cls(instance, find_upstream(instance), {model.name: model for model in read_state(instance.served)})

    @property
    def management(self) -> Management:
        """TorchServe's management."""
        return Management(self.upstream)

    def is_the_same(self) -> bool:
        """Whether TorchServe is still the one that it was."""
        note = self.instance.note()
        return note is not None and note.management == self.upstream.management and self.instance.process() is not None

    def model(self, name: str) -> Model:
        """The model as it is served, less what was to serve but could not be loaded; one that is new has nothing."""
        model = self.models.get(name, Model(name, None))
        registered = {one.version for one in self.management.versions(name)}
        there = [one for one in model.versions if one.version in registered]
        return replace(model, default=there[0] if there else None, previous=there[1] if len(there) > 1 else None)

    def make_default(self, model: Model) -> None:
        """Let the model's default answer from now on: in TorchServe, in what is remembered, and, on return, in the gate.

        Raises ServerUnreachable or ServerAnswer, or DiskFull when it can't be remembered; the default before answers then.
        """
        assert model.default is not None  # noqa: S101  # whoever calls has just given it one  # nosec B101
        self.management.set_default(model.name, model.default.version)
        try:
            write_state(self.instance.served, (dict(self.models) | {model.name: model}).values())
        except DiskFull:
            self._back_to(self.models.get(model.name))
            raise
        launch, deadline = read_launch(self.instance.launch), time.monotonic() + _NOTICED
        while time.monotonic() < deadline:
            try:
                if default_versions(launch).get(model.name) == model.default.version:
                    return
            except (ServerUnreachable, ServerAnswer):
                pass
            time.sleep(_PAUSE)

    def _back_to(self, before: Model | None) -> None:
        if before is not None and before.default is not None:
            with suppress(ServerUnreachable, ServerAnswer):  # nor does TorchServe have it, then
                self.management.set_default(before.name, before.default.version)


def now() -> str:
    """The time, ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
