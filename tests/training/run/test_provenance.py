"""Where a run came from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import torch

from snag import __version__
from snag.training.run import provenance
from snag.training.run.provenance import git_revision, read_config, versions, write_config


def test_versions_are_those_of_what_is_installed() -> None:
    found = versions()

    assert found["snag"] == __version__
    assert found["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert set(found) == {"snag", "torch", "torchvision", "numpy", "pillow", "torchserve"}


def test_a_package_that_is_missing_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_PACKAGES", ("no-such-package",))

    assert versions()["no-such-package"] == "not installed"


def checkout(folder: Path) -> str:
    """A checkout of one commit with the file `module.py`; its revision."""

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
        return subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()

    (folder / "module.py").write_text("")
    git("init", "-q")
    git("add", "module.py")
    git("commit", "-q", "-m", "one")
    return git("rev-parse", "--short=12", "HEAD")


def test_the_revision_is_the_checkouts_and_says_where_files_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    revision = checkout(tmp_path)
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "module.py"))

    clean = git_revision()
    (tmp_path / "module.py").write_text("changed")

    assert (clean, git_revision()) == (revision, f"{revision}-dirty")


def test_outside_of_a_checkout_the_revision_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "module.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert git_revision() == "unknown"


def test_of_an_installed_package_inside_of_somebodys_checkout_the_revision_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout(tmp_path)
    installed = tmp_path / ".venv/lib/site-packages/snag/module.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("")
    monkeypatch.setattr(provenance, "__file__", str(installed))

    assert git_revision() == "unknown"


def test_the_configuration_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    assert read_config(path) is None

    write_config({"epochs": 3, "seed": 7}, "abc", path)

    assert read_config(path) == json.loads(path.read_text())
    assert read_config(path) == {
        "settings": {"epochs": 3, "seed": 7},
        "versions": versions(),
        "git_revision": git_revision(),
        "data_digest": "abc",
        "seed": 7,
    }
