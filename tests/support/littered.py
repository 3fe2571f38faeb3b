"""A folder of pictures with all that gets into such folders: of file managers, drives, notebooks, cameras and viewers."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

#: A name with a byte that is no UTF-8.
ODD_NAME: Final = os.fsdecode(b"gr\xf6sse.png")


def encoded(kind: str, seed: int = 0, side: int = 16, mode: str = "L") -> bytes:
    """A small picture of its own, in one of Pillow's formats."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, kind)
    return stream.getvalue()


#: What is judged: name and content.
PICTURES: Final[Mapping[str, bytes]] = {
    "a.png": encoded("PNG", 1),
    "B.PNG": encoded("PNG", 2),
    "c.jfif": encoded("JPEG", 3),
    "d": encoded("TIFF", 4),
    "e.png": encoded("JPEG", 5),
    "f.dat": encoded("WEBP", 6, mode="RGB"),
    "deep/er/g.bmp": encoded("BMP", 7),
    ODD_NAME: encoded("PNG", 8),
    "two\nlines.png": encoded("PNG", 9),
}
#: What is not, by the reason.
OTHERS: Final[Mapping[str, Mapping[str, bytes]]] = {
    "format": {
        "h.gif": encoded("GIF"),
        "i.jp2": encoded("JPEG2000"),
        "j": encoded("PPM"),
        "k.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "l.nef": encoded("TIFF"),
    },
    "other": {"notes.txt": b"soon", "deep/list.csv": b"a,b\n", "empty": b""},
    "hidden": {
        ".DS_Store": b"\0" * 100,
        "._a.png": b"\0\5\x16\7",
        ".ipynb_checkpoints/a-checkpoint.png": encoded("PNG", 1),
        "deep/@eaDir/a.png/SYNOPHOTO_THUMB_M.jpg": encoded("JPEG", 1),
        "Thumbs.db": b"\xd0\xcf\x11\xe0",
        "m.png.part": encoded("PNG", 1)[:100],
    },
}


def write_littered(folder: Path) -> Path:
    """Write all of it, with links: to a folder elsewhere that holds `z.png`, to that file, back up, and nowhere; and a pipe."""
    for files in (PICTURES, *OTHERS.values()):
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    elsewhere = folder.parent / f"{folder.name} elsewhere"
    elsewhere.mkdir()
    (elsewhere / "z.png").write_bytes(encoded("PNG", 10))
    (folder / "monday").symlink_to(elsewhere)
    (folder / "deep" / "linked.png").symlink_to(elsewhere / "z.png")
    (folder / "deep" / "up").symlink_to(folder)
    (folder / "gone.png").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe.png")
    return folder


#: Every picture that `write_littered` writes, by its name.
ALL_PICTURES: Final = sorted([*PICTURES, "monday/z.png", "deep/linked.png"])
#: How many are left out, by the reason.
COUNTS: Final = {**{reason: len(files) for reason, files in OTHERS.items()}, "dangling": 1, "special": 1, "again": 1}
