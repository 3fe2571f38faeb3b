"""`python -m benchmarks.costs`: what a picture costs a worker, on one core, and the ten dearest operations of it."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from pydantic import Field
from torch.profiler import ProfilerActivity, profile

from benchmarks.prepared import grey_pictures, png
from benchmarks.tables import machine, table
from snag.cli.settings import Settings, from_flags, run
from snag.core.artifact import load_artifact
from snag.core.files import write_text
from snag.core.picture import decode
from snag.core.wire import parse_request


class CostsSettings(Settings):
    """Time reading, decoding, preparation and networks of one picture on one core, and profile the last two."""

    run: Path = Field(Path("runs/demo"), description="folder of the run: snag.pt")
    pictures: Path = Field(Path("data/sample/test"), description="folder of pictures; the first is taken")
    repeats: int = Field(40, ge=5, description="how often each step is done; the least time counts")
    out: Path = Field(Path("runs/costs/table.md"), description="the table")


def costs(settings: CostsSettings) -> None:
    """Measure, print and write. Raises BadArtifact, NoPictures."""
    torch.set_num_threads(1)
    artifact = load_artifact(settings.run / "snag.pt")
    grey = grey_pictures(settings.pictures, most=1)[0]
    data = png(grey)
    in_json = {
        name: json.dumps({"image": b64encode(body).decode()}) for name, body in (("a PNG", data), ("pixels", grey.tobytes()))
    }
    picture = decode(data)
    prepared = artifact.prepare(picture)[None]
    steps: dict[str, Callable[[], object]] = {
        **{f"read {name} from JSON": partial(_read, text) for name, text in in_json.items()},
        "decode": lambda: decode(data),
        "prepare": lambda: artifact.prepare(picture),
        "networks and memory": lambda: artifact.script.score_prepared(prepared),
    }
    with torch.inference_mode():
        times = [(name, _least(step, settings.repeats)) for name, step in steps.items()]
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            for _ in range(settings.repeats):
                steps["prepare"]()
                steps["networks and memory"]()
    events = sorted(seen.key_averages(), key=lambda event: -event.self_cpu_time_total)
    whole = sum(event.self_cpu_time_total for event in events)
    dearest = [(event.key, f"{event.self_cpu_time_total / whole:.0%}", event.count / settings.repeats) for event in events[:10]]
    text = "\n".join(
        [
            machine(),
            table(("step", "ms of one core"), times),
            table(("operation of prepare, networks and memory", "share of their time", "calls a picture"), dearest),
        ]
    )
    write_text(settings.out, text)
    print(text)


def _read(text: str) -> bytes | bytearray:
    return parse_request({"body": json.loads(text)}).picture


def _least(step: Callable[[], object], repeats: int) -> float:
    """Milliseconds of processor, of all threads: a committee's members run beside each other; other programs do not count."""
    found = []
    for _ in range(repeats):
        start = time.process_time()
        step()
        found.append(time.process_time() - start)
    return 1e3 * min(found)


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: costs(from_flags(CostsSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
