"""Health: when a server stopped being ready, and when it was ready again, as whoever asks it ten times a second sees it."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Final

import requests

_EVERY: Final = 0.1  #: seconds


class HealthWatch:
    """Asks while the `with` block runs."""

    def __init__(self, base: str) -> None:
        self._url = f"{base}/health/ready"
        self._seen: list[tuple[float, bool]] = []  #: when, on the monotonic clock, and whether it was ready
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> HealthWatch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def wait(self, at_least: float, at_most: float) -> None:
        """Return when the server has been ready for as long as `at_least` seconds, or after `at_most`."""
        deadline = time.monotonic() + at_most
        begun = time.monotonic()
        while time.monotonic() < deadline:
            last_bad = max((at for at, is_ready in list(self._seen) if not is_ready), default=begun)
            if time.monotonic() - max(last_bad, begun) >= at_least:
                return
            time.sleep(_EVERY)

    def outage(self, since: float) -> tuple[float, float] | None:
        """Seconds from `since` until it was first seen not to be ready, and until it was for good; None when it always was."""
        bad = [at for at, is_ready in self._seen if at >= since and not is_ready]
        if not bad:
            return None
        good = [at for at, is_ready in self._seen if at > bad[-1] and is_ready]
        return bad[0] - since, (good[0] if good else float("nan")) - since

    def _run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self._stop.wait(_EVERY):
                try:
                    is_ready = session.get(self._url, timeout=5).status_code == 200
                except requests.RequestException:
                    is_ready = False
                self._seen.append((time.monotonic(), is_ready))
