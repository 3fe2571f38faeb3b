"""The image's recipe: it lints clean, and holds every room that its commands import, and none that they do not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.source import ROOMS, ROOT, files, imports

DOCKERFILE = (ROOT / "Dockerfile").read_text()
#: Rooms whose commands the image is for: serving, and training.
STARTED = ("server", "training", "evaluation", "gate", "client")


def copied() -> set[str]:
    """What the image takes from the repository."""
    return {word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.M) for word in line.split()}


def test_hadolint_finds_nothing() -> None:
    """The linter of Dockerfiles has no remark."""
    linter = Path(sys.executable).with_name("hadolint")

    done = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_holds_the_rooms_that_its_commands_import() -> None:
    """What is imported, directly or by way of another room, is there; the handler travels in archives, which training packs."""
    needed, found = {*STARTED, "handler"}, set[str]()
    while needed - found:
        room = (needed - found).pop()
        found.add(room)
        needed |= {module.split(".")[0] for path in files(room) for module in imports(path)} & set(ROOMS)

    assert copied() & set(ROOMS) == found


def test_the_context_holds_what_is_copied_and_no_more() -> None:
    """Data, runs and the environment are not sent to the builder."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert {name.split("/")[0] for name in copied()} == {name.split("/")[0] for name in allowed}


def test_the_scripts_are_shell() -> None:
    """Every script that deploys parses, and stops at its first fault."""
    scripts = [path for path in (ROOT / "deploy").rglob("*") if path.is_file() and path.read_bytes().startswith(b"#!/bin/sh")]

    assert scripts
    for script in scripts:
        subprocess.run(["sh", "-n", script], check=True)
        assert "set -eu" in script.read_text(), script
