"""`snag predict`: judges a file or a folder of pictures through a running server; prints a table, writes a CSV."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from rich.console import Console
from rich.progress import track

from snag.cli.hosts import Host
from snag.cli.settings import Settings, from_flags, run
from snag.client.client import SnagClient
from snag.client.outputs import output_files, output_stems, refuse_to_overwrite
from snag.client.pictures import find_pictures
from snag.client.results import ResultRow, csv_text, failed, judged, print_table, summary
from snag.core.errors import (
    BrokenPicture,
    InternalError,
    RequestError,
    ServerAnswer,
    ServerUnreachable,
    ServiceError,
    UnreadablePictures,
)
from snag.core.file_names import spelled
from snag.core.files import write_bytes, write_text

#: The table of verdicts in the output folder.
FILE: Final = "predictions.csv"


class PredictSettings(Settings):
    """Judge pictures through a running server."""

    images: Path = Field(description="picture, or folder that is searched for pictures")
    model: str = Field(description="name under which the model is served")
    inference_port: int = Field(8080, ge=1, le=65535, description="port of predictions")
    host: Host = Field("127.0.0.1", description="where the server is")
    save: list[Literal["heatmap", "map", "mask", "overlay", "regions"]] = Field(
        [],
        description="files to write for each picture: heatmap (8 bit, coloured), map (16 bit), mask, overlay, regions (JSON)",
    )
    out: Path | None = Field(None, description="folder of predictions.csv and pictures (default: runs/MODEL/predictions)")
    group: str | None = Field(None, description="camera, tool or shift of the pictures, where calibration knows such groups")
    timeout: float = Field(60.0, gt=0, description="seconds to wait for one answer")


def main(argv: list[str] | None = None) -> int:
    """Entry point of `snag predict`."""
    return run(lambda: predict(from_flags(PredictSettings, argv)))


def predict(settings: PredictSettings) -> None:
    """Judge every picture and report. Raises UnreadablePictures when none of them got a verdict."""
    console = Console()
    out = settings.out or Path("runs") / settings.model / "predictions"
    found = find_pictures(settings.images)
    stems = output_stems(found.pictures, settings.images)
    refuse_to_overwrite(stems, settings.save, out, settings.images, out / FILE)
    token = os.environ.get("SNAG_TOKEN")  # not a flag: those can be read in the list of processes
    client = SnagClient(
        settings.model,
        settings.inference_port,
        host=settings.host,
        timeout=settings.timeout,
        token=token,
        group=settings.group,
    )
    client.ping()
    if settings.save and not (out / FILE).exists():
        write_text(out / FILE, csv_text([]))  # what an interrupted run has written is known as Snag's by it
    progress = track(found.pictures, "judging", console=Console(stderr=True), transient=True)
    results = judge_all(client, progress, settings.save, {picture: out / stem for picture, stem in stems.items()})
    client.close()
    write_text(out / FILE, csv_text(results))
    print_table(results, console, settings.images)
    console.print(f"{summary(results)}; {spelled(out / FILE)}", soft_wrap=True, markup=False)
    if found.sentence:
        console.print(found.sentence, soft_wrap=True, markup=False)
    if all(result.error is not None for result in results):
        raise UnreadablePictures(count=len(results), first=results[0].picture, detail=results[0].message)


def judge_all(client: SnagClient, pictures: Iterable[Path], save: Sequence[str], stems: Mapping[Path, Path]) -> list[ResultRow]:
    """One row for each picture; one that can't be read or judged becomes a row with its error. `stems`: see `judge_one`."""
    results = []
    for picture in pictures:
        try:
            results.append(judge_one(client, picture, save, stems[picture]))
        except (RequestError, ServiceError, InternalError, ServerAnswer, ServerUnreachable) as error:
            results.append(failed(picture, error))
        except OSError as error:
            results.append(failed(picture, BrokenPicture(detail=f"the file can't be read ({error.strerror})")))
    return results


def judge_one(client: SnagClient, picture: Path, save: Sequence[str], stem: Path) -> ResultRow:
    """Judge one file and write what is asked for, in files whose names begin with `stem`."""
    data = picture.read_bytes()
    if not save:
        return judged(picture, client.predict(data))
    found = client.predict_with(data, set(save))
    files = output_files(stem, [*found.pictures, "regions"])
    for kind, drawn in found.pictures.items():
        write_bytes(files[kind], drawn)
    if found.regions is not None:
        write_text(files["regions"], json.dumps(found.regions, indent=1) + "\n")
    return judged(picture, found.verdict)


if __name__ == "__main__":
    raise SystemExit(main())
