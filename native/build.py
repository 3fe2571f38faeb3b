"""Compiles unfilter.c for this machine, where snag/core/unfilter.py finds it: `python native/build.py [FOLDER]`.

The library speaks C alone, so it fits every version of Python and needs a compiler but none of Python's headers. Nothing
depends on it: where it is missing PNGs are decoded by kornia-rs and Pillow, which takes longer.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

SOURCE = Path(__file__).with_name("unfilter.c")
NAME = "snag_unfilter.so"
#: No -march: what a processor may lack is asked for when it runs.
FLAGS = ("-O3", "-std=c11", "-shared", "-fPIC", "-fvisibility=default")


def main() -> int:
    """Compile into the folder that is named, or among this interpreter's packages; never fails, says what is missing."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_path("platlib"))
    try:
        trouble = build(folder)
    except (OSError, ValueError) as error:  # a folder that can't be written to, a CC that no shell would take
        trouble = str(error)
    if trouble:
        print(f"PNGs will be decoded more slowly, with the same pixels: {trouble}.")
    return 0


def build(folder: Path) -> str | None:
    """Write NAME into the folder; or what prevents it, as a sentence without its full stop. An older one does not stay."""
    target = folder / NAME
    target.unlink(missing_ok=True)
    if platform.machine() not in ("x86_64", "AMD64"):
        return f"unfilter.c is written for x86-64, and this is {platform.machine()}"
    compiler = shlex.split(os.environ.get("CC", "")) or [next(filter(shutil.which, ("cc", "gcc", "clang")), "")]
    if not shutil.which(compiler[0]):
        return f"no C compiler{f' {compiler[0]}' if compiler[0] else ''} was found; install gcc or clang"
    half = folder / f".{NAME}.{os.getpid()}"
    command = [*compiler, *FLAGS, str(SOURCE), "-o", str(half)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        half.unlink(missing_ok=True)
        return f"`{shlex.join(command)}` failed: {(done.stderr.strip() or 'no output').splitlines()[-1]}"
    half.replace(target)
    return None


if __name__ == "__main__":
    raise SystemExit(main())
