"""What pip's extras bring, and the error that names the one that is missing, with the command that installs it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import snag
from snag.core.errors import MissingExtra

#: What pip knows Snag by: `snag` is another's there.
DISTRIBUTION: Final = "snag-inspection"
_LOAD: Final = ("torch", "numpy", "PIL", "isal", "kornia_rs", "yaml")
_TRAIN: Final = (
    *_LOAD,
    *("torchvision", "jinja2", "matplotlib", "model_archiver", "pooch", "psutil", "scipy", "tensorboardX", "tqdm"),
)
_SERVE: Final = (*_LOAD, "aiohttp", "prometheus_client", "psutil", "ts", "uvloop")
_REVIEW: Final = ("aiohttp", "matplotlib", "numpy", "scipy")
#: What is imported of each extra, besides what every installation has. ImageNet's packages are not here, though pip's `train`
#: brings them: two presets do without, and the others say so themselves.
EXTRAS: Final[dict[str, tuple[str, ...]]] = {
    "load": _LOAD,
    "offline": (*_LOAD, "dask", "distributed", "jinja2", "pyarrow", "tqdm"),
    "train": _TRAIN,
    "serve": _SERVE,
    "review": _REVIEW,
    "studio": (*_TRAIN, *_SERVE, *_REVIEW, "nicegui", "fastapi", "uvicorn"),
    "line": ("asyncua", "av", "paho", "prometheus_client"),
}
#: What make installs when an extra is asked for; the others come with its `setup`.
_STEPS: Final = {"offline": ".venv/.installed-offline", "line": ".venv/.installed-line", "studio": ".venv/.installed-studio"}


def require(what: str, extras: Iterable[str]) -> None:
    """Raise MissingExtra where a package of one of the extras is not installed; `what` asked for it. Imports nothing."""
    for extra in extras:
        for package in EXTRAS[extra]:
            if sys.modules.get(package) is None and find_spec(package) is None:
                raise missing(what, package, extra)


def missing(what: str, package: str, extra: str) -> MissingExtra:
    """The error that says which command brings the extra."""
    return MissingExtra(what=what, package=package, extra=extra, command=command(extra))


def command(extra: str) -> str:
    """What installs an extra: make in the environment that it made, pip elsewhere."""
    checkout = Path(snag.__file__).parents[1]
    if not (checkout / "Makefile").exists():
        return f"pip install '{DISTRIBUTION}[{extra}]'"
    if Path(sys.prefix).resolve() == (checkout / ".venv").resolve():
        return f"make {_STEPS.get(extra, 'setup')}"
    return f"pip install -e '{checkout}[{extra}]'"
