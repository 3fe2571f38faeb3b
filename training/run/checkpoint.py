"""The state of a training run on disk: written whole after each epoch, so that a kill at any moment loses at most one epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from snag.core.errors import BadArtifact
from snag.core.files import write_atomically


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values atomically. Raises DiskFull."""

    def write(temporary: Path) -> None:
        try:
            torch.save(state, temporary)
        except RuntimeError as error:  # torch's zip writer reports a full disk like this
            raise OSError(f"is the disk full? {str(error).splitlines()[0]}") from error

    write_atomically(path, write)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Read it back; None when there is none. Raises BadArtifact when it is damaged. Never unpickles code."""
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise BadArtifact(path=path, detail="damaged checkpoint; remove it to train from the start") from error
    if not isinstance(state, dict):
        raise BadArtifact(path=path, detail="not a checkpoint; remove it to train from the start")
    return state
