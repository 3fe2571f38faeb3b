"""`snag token add|list|revoke`: the tokens that clients show; a running server follows the file."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from pydantic_settings import CliPositionalArg

from snag.cli.lock import locked
from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadConfig, ServerBusy
from snag.gate.tokens import Token, entry, read_tokens, write_tokens

_PREFIX: Final = "snag_"  #: so that scanners for leaked secrets can tell what they have found
_RANDOM_BYTES: Final = 32
_PATIENCE: Final = 15.0  #: seconds for another command to have done; it needs some thousandths


class TokenSettings(Settings):
    """Add a token and print it, list the tokens, or revoke one."""

    action: CliPositionalArg[Literal["add", "list", "revoke"]] = Field(description="add, list or revoke")
    tokens: Path = Field(Path("runs/tokens.json"), description="file of tokens, as `snag serve --tokens` gets it")
    name: str | None = Field(
        None, min_length=1, max_length=64, description="who has the token: a line, a person; stands in the log"
    )
    days: float | None = Field(None, gt=0, le=36_500, description="days until it expires (default: never)")


def main(argv: list[str] | None = None) -> int:
    """Entry point of `snag token`."""
    return run(lambda: manage(from_flags(TokenSettings, argv)))


def manage(settings: TokenSettings) -> None:
    """Do what was asked. Raises BadConfig, BadArtifact, ServerBusy or DiskFull."""
    if settings.action == "list":
        for token in read_tokens(settings.tokens):
            print(f"{token.name}: made {token.created}, {_expiry(token)}")
        return
    if settings.name is None:
        raise BadConfig(detail=f"{settings.action} needs --name")
    folder = settings.tokens.parent
    folder.mkdir(parents=True, exist_ok=True)
    # One change at a time: the file is read, changed and replaced.
    with locked(folder, ServerBusy(folder=folder, detail="another command is changing its tokens"), _PATIENCE):
        change = _add if settings.action == "add" else _revoke
        change(settings.tokens, settings.name, settings.days)


def _add(path: Path, name: str, days: float | None) -> None:
    tokens = read_tokens(path) if path.exists() else ()
    if any(token.name == name for token in tokens):
        raise BadConfig(detail=f"there is a token {name!r} already; revoke it, or choose another name to have both for a while")
    secret = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    write_tokens(path, (*tokens, entry(name, secret, days)))
    print(secret)


def _revoke(path: Path, name: str, _: float | None) -> None:
    tokens = read_tokens(path)
    kept = tuple(token for token in tokens if token.name != name)
    if kept == tokens:
        raise BadConfig(detail=f"there is no token {name!r}; known are {', '.join(token.name for token in tokens) or 'none'}")
    write_tokens(path, kept)


def _expiry(token: Token) -> str:
    if token.expires is None:
        return "never expires"
    return f"{'expired' if token.has_expired(time.time()) else 'expires'} {token.expires}"


if __name__ == "__main__":
    raise SystemExit(main())
