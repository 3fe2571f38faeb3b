"""Formats of pictures: those that are read, and those that are only known by name, so that none passes unseen."""

from __future__ import annotations

import re
from typing import Final

#: Pillow's name of each format that is read, and its usual file suffixes. A file of one of these is a picture, or a broken one;
#: under any other name it is one when it begins like one.
FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
SUFFIXES: Final[frozenset[str]] = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
#: How a file of one of them begins.
SIGNATURE: Final = re.compile(
    rb"\x89PNG\r\n\x1a\n"
    rb"|\xff\xd8\xff[\xc0-\xfe]"
    rb"|BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0{3}"
    rb"|(II|MM)(\0[*+]|[*+]\0)"
    rb"|RIFF.{4}WEBP",
    re.DOTALL,
)
#: So many bytes tell every format of this file.
HEAD: Final = 132

#: Raw files of cameras: most are TIFF files, whose first picture is a preview.
_RAW: Final = frozenset(
    f".{name}"
    for name in (
        *("3fr", "ari", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "gpr", "iiq", "k25", "kdc", "mef", "mos"),
        *("mrw", "nef", "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f"),
    )
)
_RAW_SIGNATURE: Final = re.compile(rb"II\*\0.{4}CR|IIR[OS]|II\x55\0|FUJIFILMCCD-RAW|.{4}ftypcrx ", re.DOTALL)
#: Formats that are not read, by the name that they go by: how a file begins, where that tells it, and its suffixes.
_UNREAD: Final[dict[str, tuple[bytes | None, tuple[str, ...]]]] = {
    "gif": (rb"GIF8[79]a", (".gif",)),
    "jp2": (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".jpm")),
    "jxl": (rb"\0\0\0\x0cJXL \r\n\x87\n", (".jxl",)),
    "jxr": (rb"II\xbc", (".jxr", ".wdp", ".hdp")),
    "heic": (rb".{4}ftyp(?:hei[a-z]|hev[a-z]|mif[12]|msf1)", (".heic", ".heif", ".heics", ".hif")),
    "avif": (rb".{4}ftypavi[fs]", (".avif", ".avifs")),
    "pnm": (rb"P[1-6]\s+(?:#|\d+\s+(?:#|\d))|P7\n[WHDMTE#]|P[Ff]\s+\d", (".pnm", ".pbm", ".pgm", ".ppm", ".pam", ".pfm")),
    "tga": (None, (".tga", ".icb", ".vda")),
    "exr": (rb"\x76\x2f\x31\x01", (".exr",)),
    "hdr": (rb"#\?(?:RADIANCE|RGBE)", (".hdr", ".rgbe")),
    "psd": (rb"8BPS", (".psd", ".psb")),
    "xcf": (rb"gimp xcf", (".xcf",)),
    "dds": (rb"DDS \x7c", (".dds",)),
    "qoi": (rb"qoif", (".qoi",)),
    "fits": (rb"SIMPLE  =", (".fits", ".fit", ".fts")),
    "dicom": (rb".{128}DICM", (".dcm", ".dicom")),
    "npy": (rb"\x93NUMPY", (".npy", ".npz")),
    "other": (
        None,
        (".dib", ".pcx", ".sgi", ".rgb", ".ras", ".ico", ".cur", ".icns", ".svg", ".wmf", ".emf", ".czi", ".nd2", ".bpg"),
    ),
}
_BEGINS: Final = {kind: re.compile(begin, re.DOTALL) for kind, (begin, _) in _UNREAD.items() if begin is not None}
_CLAIMS: Final = frozenset(suffix for _, suffixes in _UNREAD.values() for suffix in suffixes) | _RAW


def is_read(head: bytes, suffix: str) -> bool:
    """Whether a file that begins with `head` (HEAD bytes, or all there are) is a picture of a format that is read.

    `suffix` is its own, in small letters, with the dot: a camera's raw file begins like a TIFF.
    """
    return SIGNATURE.match(head) is not None and suffix not in _RAW and _RAW_SIGNATURE.match(head) is None


def unread_kind(head: bytes, suffix: str) -> str | None:
    """What a file that is not read is a picture of, by its content or its name: "gif", "cr2"; None where it is no picture."""
    if suffix in _CLAIMS:
        return suffix[1:]
    if _RAW_SIGNATURE.match(head):
        return "raw"
    return next((kind for kind, begin in _BEGINS.items() if begin.match(head)), None)
