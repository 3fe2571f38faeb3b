"""Snag: teaches a camera what a good part looks like, and says of each new picture whether something is wrong.

`snag.load` opens a finished model and its `judge` gives the server's verdict. Nothing is imported before it is asked for: this
file travels in every archive, beside `snag/core` alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from snag.core.verdict import Verdict as Verdict
    from snag.inspector.inspector import Inspector as Inspector
    from snag.inspector.inspector import load as load

__version__ = "0.2.0"
__all__ = ["Inspector", "Verdict", "__version__", "load"]  # three of them come by `__getattr__`

_HOMES: Final = {
    "Inspector": "snag.inspector.inspector",
    "load": "snag.inspector.inspector",
    "Verdict": "snag.core.verdict",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for (PEP 562). Raises AttributeError for any other name, MissingExtra where a package is missing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        from snag.cli.extras import EXTRAS, missing

        if error.name not in EXTRAS["load"]:
            raise
        raise missing(f"`snag.{name}`", error.name, "load") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
