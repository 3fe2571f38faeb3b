"""A real broker, mosquitto, which can be killed and comes back, and a subscriber that misses nothing."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from benchmarks.live import free_ports
from snag.core.errors import BadConfig

_PLACES: Final = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
_PATIENCE: Final = 10.0


class Mosquitto:
    """On loopback. What it has acknowledged is on its disk: it keeps the sessions of its clients over `kill -9`."""

    def __init__(self, folder: Path, rules: Sequence[str] = ("allow_anonymous true",)) -> None:
        """`folder` takes its configuration, disk and log. Raises BadConfig where it is not installed."""
        program = shutil.which("mosquitto", path=_PLACES)
        if program is None:
            raise BadConfig(detail="there is no mosquitto; Debian's package of that name has it")
        self.port = free_ports(1)[0]
        self._log = folder / "log"
        self._command = [program, "-c", str(folder / "mosquitto.conf")]
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        disk = (
            "persistence true",
            f"persistence_location {folder.resolve()}/",
            "autosave_on_changes true",
            "autosave_interval 1",
        )
        lines = [f"listener {self.port} 127.0.0.1", *disk, "user root", *rules]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Start it, and wait until it listens. Raises BadConfig with its log."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        end = time.monotonic() + _PATIENCE
        while not self._listens():
            if time.monotonic() > end or self._process.poll() is not None:
                raise BadConfig(detail=f"mosquitto does not come up: {self._log.read_text()[-500:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Mosquitto:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Subscriber:
    """Takes everything below a topic, with a session that the broker keeps."""

    def __init__(self, port: int, topic: str = "snag/line/#", name: str = "subscriber", host: str = "127.0.0.1") -> None:
        import paho.mqtt.client as mqtt  # of the extra `line`; without it there is still help
        from paho.mqtt.enums import CallbackAPIVersion

        self.messages: list[tuple[str, bytes, bool]] = []  #: topic, payload, whether the broker had kept it
        self._place = host, port
        self._subscribed = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        self.client.on_connect = lambda *_: self.client.subscribe(topic, qos=1)
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = lambda _c, _d, one: self.messages.append((one.topic, bytes(one.payload), one.retain))
        self.client.reconnect_delay_set(1, 1)

    def __enter__(self) -> Subscriber:
        self.client.connect(*self._place, 5)
        self.client.loop_start()
        if not self._subscribed.wait(_PATIENCE):
            raise BadConfig(detail="the broker takes no subscription")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def said(self, ending: str) -> list[Any]:
        """The JSON of all messages on topics with this ending."""
        return [json.loads(payload) for topic, payload, _ in list(self.messages) if topic.endswith(ending)]

    @property
    def ids(self) -> Counter[str]:
        """How often each event came."""
        return Counter(event["id"] for event in self.said("/verdict"))
