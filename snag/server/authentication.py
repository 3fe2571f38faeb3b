"""Who may ask for verdicts: nobody needs a token on loopback, everybody does on a network, unless it is said otherwise."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from snag.cli.hosts import is_loopback
from snag.core.errors import BadConfig
from snag.gate.tokens import read_tokens
from snag.server.settings import ServeSettings

VARIABLE: Final = "SNAG_AUTH"  #: of the environment: on, off, or not set
DEFAULT_FILE: Final = Path("runs/tokens.json")  #: the same as that of `snag token`


def token_file(settings: ServeSettings) -> Path | None:
    """The file of tokens of which a client must show one; None where none is asked for.

    Raises BadConfig when predictions would be open to a network without anybody having said so, BadArtifact for a file that is
    damaged or readable for others.
    """
    said = os.environ.get(VARIABLE, "")
    if said not in ("", "on", "off"):
        raise BadConfig(detail=f"{VARIABLE}={said}: expected on or off")
    is_open = not is_loopback(settings.inference_host)
    if said == "off" or not (said == "on" or is_open or settings.tokens is not None):
        return None
    path = (settings.tokens or DEFAULT_FILE).resolve()
    if not path.exists() and is_open and settings.tokens is None:
        detail = (
            f"inference_host = {settings.inference_host!r} opens predictions to the network, and there is no {path}; "
            f"`snag token add --name line-1` makes a token, {VARIABLE}=off lets everybody in"
        )
        raise BadConfig(detail=detail)
    if not read_tokens(path):
        raise BadConfig(detail=f"{path} holds no token, so nobody could ask; `snag token add` makes one")
    return path
