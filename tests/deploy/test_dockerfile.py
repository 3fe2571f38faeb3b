"""The image's recipe: it lints clean, and holds every room that its commands import, and none that they do not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support.source import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def copied() -> set[str]:
    """What the image takes from the repository."""
    return {word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.M) for word in line.split()}


def test_hadolint_finds_nothing() -> None:
    """The linter of Dockerfiles has no remark."""
    linter = Path(sys.executable).with_name("hadolint")

    done = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_holds_the_package_with_what_its_links_lead_to() -> None:
    """The package is there with the folders that it is linked to; benchmarks, tests and documents are not."""
    links = {path.resolve().relative_to(ROOT).parts[0] for path in (ROOT / "snag").rglob("*") if path.is_symlink()}

    assert {name for name in copied() if not name.startswith(("model_store", "requirements/", "native/"))} == {"snag", *links}


def test_the_image_can_train() -> None:
    """The packages that training needs beside the server's are installed in it."""
    assert re.findall(r"-r /requirements/(\S+)", DOCKERFILE) == ["base.lock", "features.lock", "torch.txt"]


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
