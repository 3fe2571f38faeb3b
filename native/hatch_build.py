"""Puts the compiled unfilter.c into the wheel; where it can't be compiled the wheel is one of Python alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class UnfilterHook(BuildHookInterface):
    """Found by hatchling, which knows it by the file that pyproject.toml names."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; the wheel is then of this platform, for any Python."""
        folder = Path(self.directory) / ".native"
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, str(Path(self.root) / "native" / "build.py"), str(folder)], check=True)
        for library in folder.glob("*.so"):
            kept = "force_include_editable" if version == "editable" else "force_include"
            build_data[kept][str(library)] = library.name
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{_platform(library)}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Once the wheel holds it, the library is removed from beside the wheel; an editable one goes on using it."""
        if version != "editable":
            shutil.rmtree(Path(self.directory) / ".native", ignore_errors=True)


def _platform(library: Path) -> str:
    """This platform as pip writes it: with the oldest glibc that has all that the library asks for, where it is linked to one.

    A registry takes no wheel that says `linux` alone; 2.17 is the oldest that is spoken of (PEP 600).
    """
    here = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    asked = [int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", library.read_bytes())]
    return here.replace("linux_", f"manylinux_2_{max(17, *asked)}_", 1) if asked else here
