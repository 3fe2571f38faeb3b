"""`python -m benchmarks.scaling`: a server for each number of workers, size of batch, size of picture and number of models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.prepared import grey_pictures, judge_of
from benchmarks.scaling.measure import Bench, ResultLine, markdown
from benchmarks.tables import machine
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text

Part = Literal["workers", "batch", "picture", "models"]


class ScalingSettings(Settings):
    """Vary one thing at a time, drive each server with clients that wait, and print a table for each thing."""

    model: str = Field("demo", description="name of the model; its archive is MODEL_STORE/MODEL.mar")
    model_store: Path = Field(Path("model_store"), description="folder of archives")
    pictures: Path = Field(Path("data/sample/test"), description="folder of pictures to send")
    parts: list[Part] = Field(["workers", "batch", "picture", "models"], description="what is varied")
    workers: list[int] = Field([1, 2], description="worker processes")
    batch: list[int] = Field([1, 4, 8], description="requests that are handed to a worker at once")
    delay: int = Field(5, ge=1, description="milliseconds that a worker waits for a batch to fill")
    picture: list[int] = Field([256, 512, 1024, 2048], description="pixels on a side of the pictures")
    models: list[int] = Field([1, 10, 50], description="models side by side, each with one worker")
    clients: int = Field(8, ge=1, description="clients that wait for their answers")
    seconds: float = Field(10.0, ge=1, description="for each row")
    out: Path = Field(Path("runs/scaling"), description="folder of table, archives and servers")


def scaling(settings: ScalingSettings) -> None:
    """Measure and print; `table.md` is written anew after each row."""
    archive = settings.model_store / f"{settings.model}.mar"
    bench = Bench(archive, judge_of(archive), [settings.clients], settings.seconds, settings.out)
    found: dict[str, list[ResultLine]] = {}
    for part in settings.parts:
        for row in _rows(bench, settings, part):
            found.setdefault(part, []).append(row)
            text = "\n".join(markdown(title, rows) for title, rows in found.items())
            write_text(settings.out / "table.md", f"{machine()}\n{text}")
    Console(width=160).print(Markdown(text))
    print(f"{settings.out / 'table.md'}")


def _rows(bench: Bench, settings: ScalingSettings, part: Part) -> Iterator[ResultLine]:
    greys = grey_pictures(settings.pictures, most=20)
    requests = bench.pictures(greys)
    if part == "workers":
        for count in settings.workers:
            yield from bench.rows(str(count), requests, {"minWorkers": count, "maxWorkers": count})
    elif part == "batch":
        for size in settings.batch:
            yield from bench.rows(str(size), requests, {"batchSize": size, "maxBatchDelay": settings.delay if size > 1 else 1})
    elif part == "picture":
        for side in settings.picture:
            yield from bench.rows(f"{side} x {side}", bench.pictures(greys, side), {})
    else:
        for count in settings.models:
            yield from bench.rows(str(count), requests, {"minWorkers": 1, "maxWorkers": 1}, models=count)


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: scaling(from_flags(ScalingSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
