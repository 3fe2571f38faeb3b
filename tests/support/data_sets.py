"""Tiny data sets in MVTec's layout, and archives of them."""

import io
import tarfile
import zipfile

import numpy as np
from PIL import Image


def png(seed, size=8, mode="L"):
    """A small picture of its own."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (size, size, 3) if mode == "RGB" else (size, size), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def mask(size=8):
    """A mask that marks one corner."""
    pixels = np.zeros((size, size), np.uint8)
    pixels[:2, :2] = 255
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def data_set(seed=0):
    """Name -> bytes of a sound data set."""
    return {
        "train/good/000.png": png(seed),
        "train/good/001.png": png(seed + 1),
        "test/good/000.png": png(seed + 2),
        "test/dent/000.png": png(seed + 3),
        "test/dent/001.png": png(seed + 4),
        "ground_truth/dent/000_mask.png": mask(),
        "ground_truth/dent/001_mask.png": mask(),
    }


def under(prefix, files):
    """The same files in a folder."""
    return {f"{prefix}/{name}": content for name, content in files.items()}


def write_folder(folder, files):
    """Write the files; the folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def write_zip(path, files):
    """Write a zip; its path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(path, files, mode="w", extra=()):
    """Write a tar, `mode` as tarfile's, with more members (TarInfo) at its end; its path."""
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in extra:
            archive.addfile(info)
    return path


def read_folder(folder):
    """Relative path -> bytes of every file."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
