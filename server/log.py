"""The server's log, read for the reason why it did not come up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

#: Time, level and thread that server/log4j2.xml puts before each line.
_PREFIX: Final = re.compile(r"^\d{4}-\d\d-\d\dT\S+ [A-Z]+ +\S+ - ")
#: What TorchServe says when a model or a worker is lost; it tries again for minutes, but the reason will not go away.
_FATAL: Final = re.compile(r"Backend worker process died|Failed to (load model|start workers|bind to address)")
_EXCEPTION: Final = re.compile(r"^(?:[A-Za-z_][\w$]*\.)*([A-Z]\w*(?:Error|Exception|Mismatch|Artifact|Config)): (.+)$")
_OURS: Final = re.compile(r"^snag\.errors\.\w+: ")


class Log:
    """What a server has written since this object was made."""

    def __init__(self, folder: Path) -> None:
        self.place = folder
        self._file = folder / "server.log"
        self._console = folder / "console.log"
        self._start = self._file.stat().st_size if self._file.exists() else 0

    def text(self) -> str:
        """The new part of the log, and Java's own output, without time stamps."""
        return "\n".join(_PREFIX.sub("", line) for line in (self._console_text() + self._new_text()).splitlines())

    def is_fatal(self) -> bool:
        """Whether a model or a worker was lost."""
        return _FATAL.search(self.text()) is not None

    def reason(self) -> str | None:
        """The sentence that explains a failed start best: the last exception, or the last line that complains."""
        return find_reason(self.text())

    def _new_text(self) -> str:
        if not self._file.exists():
            return ""
        with self._file.open("rb") as file:
            file.seek(self._start)
            return file.read().decode(errors="replace")

    def _console_text(self) -> str:
        return self._console.read_text(errors="replace") if self._console.exists() else ""


def find_reason(text: str) -> str | None:
    """The last Python or Java exception of a log, our own without their class; else what TorchServe says itself; else None."""
    lines = [line.strip() for line in text.splitlines()]
    if bound := next((line for line in lines if "Failed to bind to address" in line), None):
        return bound.partition("Exception: ")[2] or bound
    exceptions = [line for line in lines if _EXCEPTION.match(line)]
    if exceptions:
        return _OURS.sub("", exceptions[-1])
    return next((line for line in reversed(lines) if _FATAL.search(line)), None)
