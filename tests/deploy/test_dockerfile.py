"""The image's recipe: it lints clean, and holds every room that its commands import, and none that they do not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.source import ROOT
from tests.support.trained import Trained

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


def test_the_image_that_is_built_unasked_serves() -> None:
    """The last stage is the server's; that of training is asked for by name."""
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", DOCKERFILE, re.M)

    assert stages[-1] == ("serve", "")
    assert ("bare", "train") in stages


def test_each_image_holds_the_packages_of_its_work() -> None:
    """A server has its own lock and torch alone; training has all of it, with what ImageNet taught."""
    installed = {
        name: re.findall(r"-r /requirements/(\S+)", text)
        for name, text in re.findall(r"^FROM \S+ AS (\S+)-packages$(.*?)(?=^FROM)", DOCKERFILE, re.M | re.S)
    }

    assert installed == {"serve": ["serve.lock", "torch-alone.txt"], "train": ["base.lock", "features.lock", "torch.txt"]}
    assert "grep '^torch==' /requirements/torch.txt > /requirements/torch-alone.txt" in DOCKERFILE


def test_a_server_needs_nothing_that_its_image_lacks(bolts: Trained) -> None:
    """Gate, keeper, client and worker are imported, and a model judges, where no other package can be imported."""
    names = "core cli client gate server drift inspector handler"
    picture = next((bolts.data / "train/good").iterdir())
    lacking = f"""
import importlib, pkgutil, re, sys
from importlib.metadata import packages_distributions
from pathlib import Path
pins = Path("requirements/serve.lock").read_text() + "torch==0"
held = {{name.replace("_", "-") for name in re.findall(r"^([\\w.-]+)==", pins, re.M)}}
kinds = {{module: {{name.lower().replace("_", "-") for name in names}} for module, names in packages_distributions().items()}}
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if "." not in name and name in kinds and not kinds[name] & held and name not in sys.modules:
            raise ModuleNotFoundError(f"the image lacks {{name}}", name=name)
sys.meta_path.insert(0, Lacking())
for room in {names.split()}:
    package = importlib.import_module(f"snag.{{room}}")
    for module in pkgutil.walk_packages(package.__path__, f"snag.{{room}}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
import snag
print(snag.load({str(bolts.run)!r}).judge({str(picture)!r}).reason, "torchvision" in sys.modules)
"""

    done = subprocess.run([sys.executable, "-c", lacking], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.stdout, done.returncode) == ("None False\n", 0), done.stderr


@pytest.mark.parametrize("words", [{}, {"CERTIFICATES": "missing.pem"}, {"TARGET": "both"}])
def test_a_build_that_fails_names_what_helps(tmp_path: Path, words: dict[str, str]) -> None:
    """Behind a company's proxy nothing can be installed: the settings that change it are named, and wrong ones refused."""
    for name, code in (("buildah", 'case "$*" in *" bud "*) exit 125 ;; esac'), ("debootstrap", "exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{code}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **words}

    done = subprocess.run(
        [ROOT / "deploy/image/build", tmp_path / "image"], env=environment, capture_output=True, text=True, check=False
    )

    expected = {
        (): ["CERTIFICATES=", "PIP_SETTINGS=", "BUILD_FLAGS="],
        ("CERTIFICATES",): ["missing.pem: no such file"],
        ("TARGET",): ["expected serve or train"],
    }[tuple(words)]
    assert done.returncode == (2 if words else 1)
    assert [word for word in expected if word not in done.stderr] == []


def test_what_a_build_is_told_in_confidence_stays_out_of_the_image() -> None:
    """Settings of pip and certificates are mounted as secrets in each step that installs, and copied by none."""
    steps = re.findall(r"^RUN ((?:.*\\\n)*.*)", DOCKERFILE, re.M)
    installing = [step for step in steps if "pip install" in step]

    assert len(installing) == 2
    assert all("type=secret,id=pip," in step and "type=secret,id=certificates," in step for step in installing)
    assert all("type=secret,id=certificates," in step for step in steps if "apt-get" in step)


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
