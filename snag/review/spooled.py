"""Spooled pictures: what a server kept for people to look at, read while it goes on keeping and removing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from snag.core.verdict import Verdict
from snag.core.wire import parse_verdict


@dataclass(frozen=True)
class Spooled:
    """One picture and what the server said of it."""

    id: str
    time: float  #: seconds since 1970, when it was judged
    request_id: str
    model: str
    version: str
    kind: str  #: "flagged" or "borderline"
    verdict: Verdict
    path: Path  #: the picture

    def picture(self) -> bytes | None:
        """Its bytes; None when the server has removed it meanwhile."""
        try:
            return self.path.read_bytes()
        except OSError:
            return None


def spooled(folder: Path) -> list[Spooled]:
    """Every picture of the spool, newest first; what is damaged or just being removed is left out."""
    found = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        if path.name != "seen.json" and (one := read_spooled(path)) is not None:
            found.append(one)
    return found


def in_random_order(pictures: Iterable[Spooled], seed: int) -> list[Spooled]:
    """The pictures in an order that has nothing to do with when they were judged, the same whenever it is asked for.

    What has been labelled of it, from the first picture on, is a random sample; a picture that comes later takes any place.
    """
    return sorted(pictures, key=lambda one: hashlib.sha256(f"{seed} {one.id}".encode()).digest())


def seen(folder: Path) -> Counter[tuple[str, str, str]]:
    """How many verdicts the server gave, by model, version and kind; kinds are those of a picture, and "unsuspicious"."""
    try:
        rows = json.loads((folder / "seen.json").read_text())
        return Counter({(model, version, kind): int(count) for model, version, kind, count in rows})
    except (OSError, ValueError, TypeError):
        return Counter()


def read_spooled(path: Path) -> Spooled | None:
    """The picture that a file of JSON tells of; None where it is damaged or just being removed."""
    try:
        said = json.loads(path.read_text())
        verdict = said["verdict"]
        return Spooled(
            id=said["id"],
            time=said["time"],
            request_id=said["request_id"],
            model=verdict["model"],
            version=verdict["version"],
            kind=said["kind"],
            verdict=parse_verdict(verdict),
            path=path.with_suffix(".picture"),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
