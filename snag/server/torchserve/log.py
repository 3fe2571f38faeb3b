"""The server's log, read for the reason why something did not come up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from snag.gate.upstream.messages import FATAL, PORT_TAKEN, is_thread_of

#: Time, level and thread that snag/server/torchserve/log4j2.xml puts before each line.
_PREFIX: Final = re.compile(r"^\d{4}-\d\d-\d\dT\S+ [A-Z]+ +(\S+) - ")
_EXCEPTION: Final = re.compile(r"^(?:[A-Za-z_][\w$]*\.)*([A-Z]\w*(?:Error|Exception|Mismatch|Artifact|Config)): (.+)$")
_OURS: Final = re.compile(r"^snag\.core\.errors\.\w+: ")


class ServerLog:
    """What a server has written since this object was made."""

    def __init__(self, folder: Path) -> None:
        self.place = folder
        self._files = {path: _size(path) for path in (folder / "console.log", folder / "server.log")}

    def text(self, model: str | None = None, version: str = "") -> str:
        """The new lines, Java's own output first, without time stamps; of one version of a model, what its workers wrote."""
        lines, is_wanted = [], model is None
        for line in "\n".join(_read(path, start) for path, start in self._files.items()).splitlines():
            if prefix := _PREFIX.match(line):
                is_wanted = model is None or is_thread_of(prefix[1], model, version)
            if is_wanted:
                lines.append(line[prefix.end() :] if prefix else line)
        return "\n".join(lines)

    def is_fatal(self, model: str | None = None, version: str = "") -> bool:
        """Whether a model or a worker was lost, or that model or a worker of it."""
        return _is_fatal(self.text(model, version))

    def reason(self, model: str | None = None, version: str = "") -> str | None:
        """The sentence that explains a failed start best: the last exception, or the last line that complains."""
        return find_reason(self.text(model, version))


def find_reason(text: str) -> str | None:
    """The last Python or Java exception of a log, our own without their class; else what TorchServe says itself; else None."""
    lines = [line.strip() for line in text.splitlines()]
    if bound := next((line for line in lines if PORT_TAKEN in line), None):
        return bound.partition("Exception: ")[2] or bound
    exceptions = [line for line in lines if _EXCEPTION.match(line)]
    if exceptions:
        return _OURS.sub("", exceptions[-1])
    return next((line for line in reversed(lines) if _is_fatal(line)), None)


def _is_fatal(text: str) -> bool:
    return any(words in text for words in FATAL)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read(path: Path, start: int) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(start if start <= _size(path) else 0)  # it was rolled over or emptied
        return file.read().decode(errors="replace")
