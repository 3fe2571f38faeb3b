"""Spool: recent pictures that were flagged or nearly, kept for people to look at (`make review`).

It is off unless asked for: these are pictures of what somebody makes. They lie in a folder that its owner alone can open, never
more than a stated number of bytes, never longer than a stated number of days. A thread writes them; where it can't keep up, or
the disk is full, pictures are dropped and counted, and no request waits.

    FOLDER/<time>-<random>.picture    the picture as it was sent, out of its form or JSON
    FOLDER/<time>-<random>.json       what was said of it; written last
    FOLDER/seen.json                  how many verdicts there were, by model, version and kind
"""

from __future__ import annotations

import json
import queue
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from snag.core.errors import DiskFull, RequestError
from snag.core.files import write_bytes, write_text
from snag.core.wire import JSON, parse_request
from snag.gate.proxy.answer import GateAnswer
from snag.gate.proxy.question import Question
from snag.gate.settings import SpoolSettings

FLAGGED: Final = "flagged"
BORDERLINE: Final = "borderline"
UNSUSPICIOUS: Final = "unsuspicious"  #: counted, not kept
_DAY: Final = 86_400.0
_QUEUED_BYTES: Final = 67_108_864  #: pictures that may wait for the disk
_LOOK: Final = 5.0  #: seconds between two looks for pictures that are too old, and between two counts


@dataclass(frozen=True)
class _Kept:
    question: Question
    verdict: dict[str, Any]
    kind: str


def kind_of(verdict: dict[str, Any], margin: float) -> str:
    """Whether a verdict is flagged, borderline or neither."""
    if verdict["Anomaly"]:
        return FLAGGED
    threshold = verdict["threshold"]
    return BORDERLINE if verdict["score"] > threshold - margin * abs(threshold) else UNSUSPICIOUS


class Spool:
    """`lost` is called for each picture that could not be kept, from whichever thread."""

    def __init__(self, settings: SpoolSettings, lost: Callable[[], None]) -> None:
        self._settings = settings
        self._lost = lost
        self._queue: queue.SimpleQueue[_Kept | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = 0  #: bytes in the queue
        self._seen: Counter[tuple[str, str, str]] = Counter()
        self._thread = threading.Thread(target=self._write_for_ever, name="spool", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(timeout=5)

    def offer(self, question: Question, answer: GateAnswer) -> None:
        """Count a verdict, and keep its picture where it is worth a look. Costs the caller no more than reading the verdict."""
        if question.route.endpoint != "predictions" or answer.status != 200 or answer.content_type != JSON:
            return
        verdict = json.loads(answer.body)
        kind, size = kind_of(verdict, self._settings.margin), sum(map(len, question.body.chunks))
        with self._lock:
            self._seen[verdict["model"], verdict["version"], kind] += 1
            if kind == UNSUSPICIOUS:
                return
            is_room = self._waiting + size <= _QUEUED_BYTES
            self._waiting += size * is_room
        if is_room:
            self._queue.put(_Kept(question, verdict, kind))
        else:
            self._lost()

    def _write_for_ever(self) -> None:
        shelf = Shelf(self._settings)
        counted = self._begin(shelf)
        while True:
            with suppress(queue.Empty):
                kept = self._queue.get(timeout=_LOOK)
                if kept is None:
                    break
                self._write(shelf, kept)
            shelf.clear_old(time.time())
            counted = self._note_seen(counted)
        self._note_seen(counted, at_once=True)

    def _begin(self, shelf: Shelf) -> float:
        try:
            shelf.open()
            with self._lock:
                self._seen.update(read_seen(self._settings.folder))
        except OSError:
            self._lost()  # so will every picture be
        return 0.0

    def _write(self, shelf: Shelf, kept: _Kept) -> None:
        body = b"".join(kept.question.body.chunks)
        with self._lock:
            self._waiting -= len(body)
        said = {name: value for name, value in kept.verdict.items() if not isinstance(value, str) or len(value) < 200}
        about = {"request_id": kept.question.request_id, "kind": kept.kind, "verdict": said}
        try:
            picture = parse_request({"body": body}, content_type=kept.question.content_type).picture
            shelf.put(bytes(picture), about)
        except (DiskFull, OSError, RequestError):
            self._lost()

    def _note_seen(self, counted: float, at_once: bool = False) -> float:
        """Write the counts, seldom: one of a few seconds may be lost with the power."""
        if not at_once and time.monotonic() - counted < _LOOK:
            return counted
        with self._lock:
            rows = [[*names, count] for names, count in sorted(self._seen.items())]
        with suppress(DiskFull):
            write_text(self._settings.folder / "seen.json", json.dumps(rows) + "\n")
        return time.monotonic()


class Shelf:
    """The files of a spool, oldest first; belongs to one thread."""

    def __init__(self, settings: SpoolSettings) -> None:
        self._settings = settings
        self._sizes: dict[str, int] = {}  #: bytes by name, in the order of the names, which is that of time

    def open(self) -> None:
        """Make the folder, or take over what an earlier server left there. Raises OSError."""
        folder = self._settings.folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        for path in sorted(folder.glob("*.picture")):
            if path.with_suffix(".json").exists():
                self._sizes[path.stem] = path.stat().st_size
            else:
                path.unlink()  # a power cut came between the two

    def put(self, picture: bytes, about: dict[str, Any]) -> None:
        """Keep a picture, at the cost of the oldest. Raises DiskFull, also for one that is larger than all that may be kept."""
        if len(picture) > self._settings.max_bytes:
            raise DiskFull(
                path=self._settings.folder, detail=f"{len(picture)} bytes are more than the {self._settings.max_bytes}"
            )
        now = time.time()
        name = f"{int(now * 1e6):016d}-{uuid.uuid4().hex[:8]}"
        self._sizes[name] = len(picture)
        self._shrink()
        try:
            write_bytes(self._path(name, "picture"), picture)
            write_text(self._path(name, "json"), json.dumps({"id": name, "time": now, **about}) + "\n")
        except DiskFull:
            self._remove(name)
            raise

    def clear_old(self, now: float) -> None:
        """Remove what has been kept long enough."""
        oldest = f"{int((now - self._settings.max_days * _DAY) * 1e6):016d}"
        for name in [name for name in self._sizes if name < oldest]:
            self._remove(name)

    def _shrink(self) -> None:
        total = sum(self._sizes.values())
        while total > self._settings.max_bytes:
            name = next(iter(self._sizes))
            total -= self._sizes[name]
            self._remove(name)

    def _remove(self, name: str) -> None:
        del self._sizes[name]
        for ending in ("json", "picture"):
            with suppress(OSError):
                self._path(name, ending).unlink(missing_ok=True)

    def _path(self, name: str, ending: str) -> Path:
        return self._settings.folder / f"{name}.{ending}"


def read_seen(folder: Path) -> dict[tuple[str, str, str], int]:
    """How many verdicts there were, by model, version and kind; empty where nobody counted."""
    try:
        rows = json.loads((folder / "seen.json").read_text())
        return {(model, version, kind): int(count) for model, version, kind, count in rows}
    except (OSError, ValueError, TypeError):
        return {}
