"""`python -m benchmarks.decoding`: what decoding a PNG costs one core, by Pillow, by kornia-rs and by our own library."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final
from unittest.mock import patch

import torch
from pydantic import Field

from benchmarks.tables import machine, table
from snag.cli.settings import Settings, from_flags, run
from snag.core import picture, plain_png
from snag.core.errors import NoPictures
from snag.core.files import write_text
from snag.core.picture import decode
from snag.core.picture_files import picture_files
from snag.core.plain_png import inflated
from snag.core.png_chunks import PlainPng
from snag.core.png_chunks import plain_png as plain_png_of
from snag.core.unfilter import can_unfilter, unfiltered

_CHANNELS: Final = {1: "grey", 2: "grey and alpha", 3: "colour", 4: "colour and alpha"}
Picture = tuple[bytes, PlainPng]
Way = Callable[[Picture], object]


class DecodingSettings(Settings):
    """Decode the PNGs of a folder, each kind by itself, by turns in every way; the median counts."""

    pictures: Path = Field(Path("data/sample/test"), description="folder of PNGs, at any depth")
    most: int = Field(8, ge=1, description="pictures of a kind")
    kinds: int = Field(2, ge=1, description="kinds, the most frequent: size, depth and channels")
    repeats: int = Field(15, ge=3, description="times that each picture is decoded in each way")
    out: Path = Field(Path("runs/decoding/table.md"), description="the table")


def compare(settings: DecodingSettings) -> None:
    """Measure, print and write. Raises NoPictures."""
    torch.set_num_threads(1)
    head = (
        "PNGs",
        "Pillow ms",
        "kornia-rs ms",
        "own ms",
        "of which to inflate",
        "to undo filters",
        "Pillow / own",
        "kornia / own",
    )
    rows = [_row(found, settings) for found in _kinds(settings)]
    text = f"{machine()}\n{table(head, rows)}\nMilliseconds of processor, the median; own: {_own()}\n"
    write_text(settings.out, text)
    print(text)


def _own() -> str:
    return "the compiled library" if can_unfilter() else "not compiled here, so kornia-rs again"


def _kinds(settings: DecodingSettings) -> Sequence[Sequence[Picture]]:
    """Pictures of one kind, for the most frequent kinds."""
    kinds = defaultdict(list)
    for path in picture_files(settings.pictures).pictures:
        data = path.read_bytes()
        if (plain := plain_png_of(data)) is not None:
            kinds[_name(plain)].append((data, plain))
    if not kinds:
        raise NoPictures(folder=settings.pictures, expected="PNGs of 8 or 16 bits")
    largest = sorted(kinds.values(), key=len, reverse=True)[: settings.kinds]
    return [found[:: max(1, len(found) // settings.most)][: settings.most] for found in largest]


def _row(pictures: Sequence[Picture], settings: DecodingSettings) -> Sequence[object]:
    times = _times(pictures, _ways(pictures), settings.repeats)
    pillow, kornia, own = (times[name] for name in ("Pillow", "kornia-rs", "own"))
    parts = (times.get(name, float("nan")) for name in ("inflate", "filters"))
    return (_name(pictures[0][1]), pillow, kornia, own, *parts, pillow / own, kornia / own)


def _ways(pictures: Sequence[Picture]) -> Mapping[str, Way]:
    ways: dict[str, Way] = {"Pillow": _by_pillow, "kornia-rs": _by_kornia, "own": lambda one: decode(one[0])}
    if can_unfilter():
        ways |= {"inflate": lambda one: inflated(*one), "filters": _filters(pictures)}
    return ways


def _by_pillow(one: Picture) -> object:
    with patch.object(picture, "decode_plain", lambda *_: None):
        return decode(one[0])


def _by_kornia(one: Picture) -> object:
    with patch.object(plain_png, "can_unfilter", lambda: False):
        return decode(one[0])


def _filters(pictures: Sequence[Picture]) -> Way:
    """Undoes the filters of what was inflated before any clock ran."""
    filtered = {one[0]: inflated(*one) or b"" for one in pictures}

    def undo(one: Picture) -> object:
        data, plain = one
        return unfiltered(filtered[data], plain.height, plain.width * plain.pixel_bytes, plain.pixel_bytes)

    return undo


def _times(pictures: Sequence[Picture], ways: Mapping[str, Way], repeats: int) -> dict[str, float]:
    """Median milliseconds of each way, which take turns: what else runs on the machine meets all of them."""
    found = defaultdict(list)
    for _ in range(repeats):
        for one in pictures:
            for name, way in ways.items():
                start = time.process_time()
                way(one)
                found[name].append(1e3 * (time.process_time() - start))
    return {name: median(times) for name, times in found.items()}


def _name(plain: PlainPng) -> str:
    return f"{plain.width} x {plain.height}, {_CHANNELS[plain.channels]}, {plain.depth} bits"


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: compare(from_flags(DecodingSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
