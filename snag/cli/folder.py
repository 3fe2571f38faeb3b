"""Whether a folder can take a result, asked before the work that makes it."""

from __future__ import annotations

import os
from pathlib import Path

from snag.core.errors import DiskFull


def check_folder(folder: Path) -> None:
    """Raise DiskFull unless files can be written into the folder, which need not be there yet; nothing is made."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists() or path.is_symlink())
    if not there.is_dir():
        raise DiskFull(path=folder, detail=f"{there} is there and is no folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise DiskFull(path=folder, detail=f"{there} can't be written to")
