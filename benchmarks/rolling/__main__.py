"""`python -m benchmarks.rolling`: replaces two servers behind HAProxy under load; fails where one request is not answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import Field

from benchmarks.live import Live
from benchmarks.outcome import PreparedRequest, TimedAnswer, summary
from benchmarks.prepared import grey_pictures, in_format, judge_of
from benchmarks.rolling.proxy import Proxy
from benchmarks.tables import machine, table
from benchmarks.traffic import Background, Load, LoadTarget
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text

_COLUMNS: Final = ("update", "sent", "right", "refused", "lost", "wrong", "p50 ms", "p99 ms", "worst ms", "s for both")


class RollingSettings(Settings):
    """Replace two servers one after the other while clients ask through the proxy, none of them twice."""

    model: str = Field("demo", description="name of the model; its archive is MODEL_STORE/MODEL.mar")
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    pictures: Path = Field(Path("data/sample/test"), description="folder of pictures to send")
    rate: float = Field(8.0, gt=0, description="requests a second; one server alone must be able to answer them")
    calm: float = Field(5.0, ge=0, description="seconds of load before, between and after")
    out: Path = Field(Path("runs/rolling"), description="folder of the table, the servers and the proxy")


def announced(proxy: Proxy, name: str, server: Live) -> None:
    """The proxy is told first; the server is stopped when it has nothing left to do."""
    proxy.drain(name)
    server.stop()
    server.start()
    proxy.admit(name)


def unannounced(proxy: Proxy, name: str, server: Live) -> None:
    """The server is stopped under load; the proxy finds out by itself."""
    server.stop()
    server.start()
    proxy.wait_until_up(name)


_UPDATES: Final[dict[str, Callable[[Proxy, str, Live], None]]] = {"announced": announced, "unannounced": unannounced}


def rolling(settings: RollingSettings) -> bool:
    """Roll and print; whether every request of the announced update was answered rightly."""
    judge = judge_of(settings.model_store / f"{settings.model}.mar")
    requests = in_format("PNG as body", judge, grey_pictures(settings.pictures, most=20))
    servers = {name: Live(settings.model, settings.model_store, settings.out / name) for name in ("a", "b")}
    ports = servers["a"].inference_port, servers["b"].inference_port
    rows, is_right = [], True
    with servers["a"], servers["b"], Proxy(settings.out, ports) as proxy:
        for label, replace in _UPDATES.items():
            samples, seconds = _rolled(settings, proxy, servers, requests, replace)
            found = summary(samples)
            times = [1000 * one for one in (found.p50, found.p99, found.worst)]
            rows.append((label, found.sent, found.right, found.refused, found.lost, found.wrong, *times, seconds))
            is_right &= label != "announced" or found.right == found.sent
    text = f"{machine()}\nSent at {settings.rate:g} requests a second.\n\n{table(_COLUMNS, rows)}"
    write_text(settings.out / "table.md", text)
    print(f"{text}\nno request lost in the announced update: {is_right}")
    return is_right


def _rolled(
    settings: RollingSettings,
    proxy: Proxy,
    servers: dict[str, Live],
    requests: list[PreparedRequest],
    replace: Callable[[Proxy, str, Live], None],
) -> tuple[list[TimedAnswer], float]:
    with Background(LoadTarget(proxy.url), requests, Load(rate=settings.rate)) as load:
        time.sleep(settings.calm)
        begin = time.perf_counter()
        for name, server in servers.items():
            replace(proxy, name, server)
            time.sleep(settings.calm)
        seconds = time.perf_counter() - begin
    return load.samples, seconds


def main(argv: list[str] | None = None) -> int:
    """Entry point; 1 when a request of the announced update was not answered."""
    codes = [0]
    return run(lambda: codes.append(0 if rolling(from_flags(RollingSettings, argv)) else 1)) or codes[-1]


if __name__ == "__main__":
    raise SystemExit(main())
