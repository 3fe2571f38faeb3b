"""Where a run came from: versions, git revision, machine; written beside its results."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from snag import __version__
from snag.core.errors import BadArtifact
from snag.core.files import write_text

_PACKAGES = ("torch", "torchvision", "numpy", "pillow", "torchserve")


def versions() -> dict[str, str]:
    """Versions of Snag and of what its numbers depend on."""
    found = {"snag": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def git_revision() -> str:
    """The checkout's revision, "-dirty" after it where files differ; "unknown" outside of a checkout.

    So it is for an installed package too, even where it lies inside of somebody's checkout: git does not track its files.
    """
    here = Path(__file__).resolve()
    try:
        _git(here.parent, "ls-files", "--error-unmatch", "--", here.name)
        return _git(here.parent, "describe", "--always", "--dirty", "--abbrev=12").strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def write_config(settings: dict[str, Any], data_digest: str, path: Path) -> None:
    """Echo a run's resolved settings with what else its result depends on, as JSON, atomically."""
    config = {
        "settings": settings,
        "versions": versions(),
        "git_revision": git_revision(),
        "data_digest": data_digest,
        "seed": settings["seed"],
    }
    write_text(path, json.dumps(config, indent=1) + "\n")


def read_config(path: Path) -> dict[str, Any] | None:
    """Read it back; None when there is none. Raises BadArtifact."""
    try:
        config = json.loads(path.read_text())
        if not isinstance(config["settings"], dict) or not isinstance(config["data_digest"], str):
            raise ValueError("settings or data_digest are of the wrong kind")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadArtifact(
            path=path, detail=f"not a run's configuration ({error}); remove it to train from the start"
        ) from error
    return config
