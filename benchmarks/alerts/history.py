"""A real Prometheus with the recorded scrapes as its past, asked what every alert's expression gave at each moment of it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

from benchmarks.live import free_ports


class ScrapeHistory:
    """A Prometheus that has seen it all, in `folder`; needs the programs `prometheus` and `promtool`.

    with History(lines, Path("runs/alerts/prometheus")) as history: ...
    """

    def __init__(self, lines: Iterable[str], folder: Path) -> None:
        """`lines` are OpenMetrics with dates, in their order."""
        self._folder = folder
        self._url = f"http://127.0.0.1:{free_ports(1)[0]}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "scrapes.txt").open("w") as file:
            file.writelines(lines)

    def __enter__(self) -> ScrapeHistory:
        blocks = ["create-blocks-from", "openmetrics", str(self._folder / "scrapes.txt"), str(self._folder / "data")]
        subprocess.run(["promtool", "tsdb", *blocks], check=True, stdout=subprocess.DEVNULL)
        (self._folder / "prometheus.yml").write_text("{}\n")
        flags = {
            "config.file": self._folder / "prometheus.yml",
            "storage.tsdb.path": self._folder / "data",
            "storage.tsdb.retention.time": "10y",
            "web.listen-address": self._url.removeprefix("http://"),
        }
        with (self._folder / "log.txt").open("wb") as log:
            command = ["prometheus", *(f"--{name}={value}" for name, value in flags.items())]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            self._wait_until_ready()
        except BaseException:
            self._process.kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(30)

    def moments(self, query: str, start: int, end: int, step: int) -> list[dict[str, Any]]:
        """Series of the query from `start` to `end`: {"metric": labels, "values": [[date, value], ...]}. Raises HTTPError."""
        parameters: dict[str, str | int] = {"query": query, "start": start, "end": end, "step": step}
        answer = requests.post(f"{self._url}/api/v1/query_range", data=parameters, timeout=300)
        answer.raise_for_status()
        return list(answer.json()["data"]["result"])

    def _wait_until_ready(self) -> None:
        for _ in range(300):
            try:
                if requests.get(f"{self._url}/-/ready", timeout=5).ok:
                    return
            except requests.ConnectionError:
                pass
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"Prometheus did not come up; {self._folder / 'log.txt'} says why")
