"""wrk drives the closed loop: it costs a thirtieth of a core where a client in Python would take as much as the server.

Of the two tools at hand (`hey` and `wrk`, both in Debian), wrk takes many bodies in turn, keeps every time and needs the least
processor: on a machine where client and server share the cores, the client's part is measured as the server's. It does not look
into answers; the open loop (`benchmarks.traffic`) compares each with its own picture's score.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.outcome import PreparedRequest
from snag.core.errors import BadConfig
from snag.core.files import write_bytes, write_text

#: Reads the requests into memory, sends them in turn, and prints the figures as JSON behind a mark.
_SCRIPT: Final = """
local requests, at = {}, 0
function init()
  for line in io.lines("%(folder)s/requests.txt") do
    local path, kind, name = line:match("(%%S+) (%%S+) (%%S+)")
    local file = io.open("%(folder)s/" .. name, "rb")
    requests[#requests + 1] = wrk.format("POST", path, { ["Content-Type"] = kind }, file:read("*a"))
    file:close()
  end
end
function request()
  at = at %% #requests + 1
  return requests[at]
end
function done(summary, latency)
  local e = summary.errors
  local figures = { summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout, e.status }
  for _, share in ipairs({ 50, 90, 99, 99.9 }) do figures[#figures + 1] = latency:percentile(share) end
  io.write("figures [" .. table.concat(figures, ",") .. "]\\n")
end
"""


@dataclass(frozen=True)
class LoadFigures:
    """What a closed loop showed; times in seconds, of all answers."""

    clients: int
    answers: int
    seconds: float
    broken: int  #: connections refused, broken or silent
    refused: int  #: answers that were not 2xx or 3xx
    p50: float
    p90: float
    p99: float
    p999: float

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


def closed_loop(base: str, requests: Sequence[PreparedRequest], clients: int, seconds: float, folder: Path) -> LoadFigures:
    """Send the requests in turn from so many clients that wait for their answers. Raises BadConfig without wrk."""
    tool = shutil.which("wrk")
    if tool is None:
        raise BadConfig(detail="wrk is missing, which drives the closed loop; Debian has it: apt install wrk")
    _write(requests, folder)
    command = [tool, "--threads", "1", "--connections", str(clients), "--duration", f"{seconds:.0f}s", "--timeout", "60s"]
    done = subprocess.run([*command, "--script", folder / "wrk.lua", base], capture_output=True, text=True, check=True)
    return figures(done.stdout, clients)


def figures(printed: str, clients: int) -> LoadFigures:
    """The figures in what wrk printed; its own times are microseconds."""
    line = next(line for line in printed.splitlines() if line.startswith("figures "))
    answers, spent, broken, refused, *times = json.loads(line.removeprefix("figures "))
    return LoadFigures(clients, answers, spent / 1e6, broken, refused, *(time / 1e6 for time in times))


def _write(requests: Sequence[PreparedRequest], folder: Path) -> None:
    lines = []
    for number, request in enumerate(requests):
        write_bytes(folder / f"body-{number}", request.body)
        lines.append(f"{request.path} {request.headers['Content-Type']} body-{number}\n")
    write_text(folder / "requests.txt", "".join(lines))
    write_text(folder / "wrk.lua", _SCRIPT % {"folder": folder.resolve()})
