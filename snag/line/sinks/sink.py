"""Sink: the contract of whatever takes events."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from snag.line.event import LineEvent
from snag.line.status import Beat


class Sink(ABC):
    """`open`, `send` and `close` are called by one thread; `beat` by another, between them."""

    name: ClassVar[str]  #: of its table in the file

    def __init__(self, stop: threading.Event) -> None:
        """`stop` is set when the line ends: who waits then gives up."""
        self.stop = stop

    def expect(self, sources: Sequence[str]) -> None:  # noqa: B027
        """Learn which sources there are, before `open`."""

    def on_trigger(self, source: str, take: Callable[[str], None]) -> None:
        """Call `take` with a part's name when a picture of a source is asked for; most can't be asked."""
        raise NotImplementedError(f"{self.name} takes no triggers for {source}")

    def open(self) -> None:  # noqa: B027  # most have nothing to open
        """Get ready. Raises SinkAway; it is then called again."""

    @abstractmethod
    def send(self, event: LineEvent) -> None:
        """Return when the event is where it belongs. Raises SinkAway, after which it is sent again, or EventRefused."""

    def forget(self, event: LineEvent) -> bool:
        """Never bring an event that is too old by now; answers whether the sink is to be opened anew."""
        return False

    def beat(self, beat: Beat) -> None:  # noqa: B027  # most tell nobody
        """Tell of the line's state, without waiting; what fails is nobody's concern, as the next beat follows."""

    def close(self) -> None:  # noqa: B027
        """Let go of everything."""
