"""Tokens: who may ask. The file holds digests alone: whoever reads it learns no token."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import stat
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from snag.core.errors import BadArtifact, Unauthorised
from snag.core.files import write_text

_SCHEME: Final = "bearer"


@dataclass(frozen=True)
class Token:
    """One entry of the file; times are ISO 8601 with their zone."""

    name: str
    sha256: str  #: of the token itself, 64 hexadecimal digits; a token is random and long, so no salt is needed
    created: str
    expires: str | None = None

    def __post_init__(self) -> None:
        if len(bytes.fromhex(self.sha256)) != hashlib.sha256().digest_size:
            raise ValueError(f"the digest of {self.name!r} has not 64 hexadecimal digits")
        if self.expires is not None and datetime.fromisoformat(self.expires).tzinfo is None:
            raise ValueError(f"the expiry of {self.name!r} has no time zone")

    def has_expired(self, now: float) -> bool:
        """Whether it is no longer valid at `now`, in seconds since 1970."""
        return self.expires is not None and datetime.fromisoformat(self.expires).timestamp() <= now


def digest(token: str) -> str:
    """What the file holds of a token."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def read_tokens(path: Path) -> tuple[Token, ...]:
    """The file's entries. Raises BadArtifact when it is missing, damaged, or open to others."""
    try:
        with path.open("rb") as file:
            _check_rights(os.fstat(file.fileno()), path)
            entries = json.load(file)
        return tuple(Token(**entry) for entry in entries)
    except (OSError, ValueError, TypeError) as error:
        raise BadArtifact(path=path, detail=f"not a file of tokens ({error}); `snag token add` makes one") from error


def write_tokens(path: Path, tokens: tuple[Token, ...]) -> None:
    """Replace the file, readable by its owner alone. Raises DiskFull."""
    write_text(path, json.dumps([asdict(token) for token in tokens], indent=1) + "\n", mode=0o600)


def _check_rights(state: os.stat_result, path: Path) -> None:
    """Our own file is for us alone; a mounted secret belongs to somebody else and may be read by our group."""
    forbidden = 0o077 if state.st_uid == os.geteuid() else 0o037
    if stat.S_IMODE(state.st_mode) & forbidden:
        raise BadArtifact(path=path, detail=f"its mode is {stat.S_IMODE(state.st_mode):o}, others could read it; run chmod 600")


class Guard:
    """Tells by its token who asks. The file is read again when it changes, so tokens are rotated while the server runs."""

    def __init__(self, path: Path, complain: Callable[[str], None]) -> None:
        self._path = path
        self._complain = complain  #: is told why the file is no longer trusted
        self._tokens = read_tokens(path)
        self._stamp = _stamp(path)

    def name_of(self, authorization: str | None) -> str:
        """The name of the token in an Authorization header. Raises Unauthorised."""
        scheme, _, presented = (authorization or "").strip().partition(" ")
        if scheme.lower() != _SCHEME or not presented.strip():
            raise Unauthorised(detail="missing")
        found, asked = None, digest(presented.strip())
        for token in self._current():  # all of them, whichever fits: how long it takes tells nothing
            if hmac.compare_digest(token.sha256.lower(), asked):
                found = token
        if found is None:
            raise Unauthorised(detail="unknown")
        if found.has_expired(time.time()):
            raise Unauthorised(detail="expired")
        return found.name

    def _current(self) -> tuple[Token, ...]:
        """The file's tokens as it is now; none when it can't be trusted: in doubt nobody gets in."""
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._tokens = read_tokens(self._path)
            except BadArtifact as error:
                self._tokens = ()
                self._complain(str(error))
        return self._tokens


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Changes whenever the file does, its rights included."""
    try:
        state = path.stat()
    except OSError:
        return None
    return (state.st_dev, state.st_ino, state.st_mtime_ns, state.st_ctime_ns, state.st_size)


def entry(name: str, token: str, days: float | None) -> Token:
    """The entry of a token that is made now and lasts for so many days."""
    now = time.time()
    expires = None if days is None else _iso(now + days * 86_400)
    return Token(name, digest(token), _iso(now), expires)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
