"""Hidden and system files: what file managers, network drives, notebooks, sync tools and editors leave in a folder."""

from __future__ import annotations

import re
from typing import Final

#: Files and folders. What begins with a dot is hidden: `.ipynb_checkpoints`, `._000.png`, `.DS_Store`, `.Trash-1000`, `.git`.
_SYSTEM: Final = re.compile(
    r"\..*"
    r"|@eadir|@tmp|@recycle|@recently-snapshot|@sharebin|#recycle|#snapshot|~snapshot"  # Synology, QNAP, NetApp
    r"|.*@syno(?:eastream|resource)"
    r"|thumbs\.db(?::.*)?|ehthumbs(?:_vista)?\.db|desktop\.ini|\$recycle\.bin|recycler|system volume information"  # Windows
    r"|__macosx|icon\r|network trash folder|temporary items"  # macOS
    r"|lost\+found|__pycache__",
    re.IGNORECASE | re.DOTALL,
)
#: Files alone: halves of copies that are under way, and what editors keep of an older version.
_LEFTOVER: Final = re.compile(
    r"~\$.*|.*~|.*_original"
    r"|.*\.(?:part|partial|crdownload|filepart|download|opdownload|aria2|!ut|!sync|tmp|temp|swp|bak|orig)",
    re.IGNORECASE | re.DOTALL,
)


def is_hidden(name: str, is_folder: bool) -> bool:
    """Whether a file or folder of this name, without its path, is passed over wherever a folder is read."""
    return _SYSTEM.fullmatch(name) is not None or (not is_folder and _LEFTOVER.fullmatch(name) is not None)


def is_in_hidden(path: str) -> bool:
    """Whether a file's path, with forward slashes, leads through something hidden, or is hidden itself."""
    *folders, name = path.split("/")
    return is_hidden(name, is_folder=False) or any(
        is_hidden(folder, is_folder=True) for folder in folders if folder not in (".", "")
    )
