"""The bill of materials: what the lock of the server's image pins, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.source import ROOT


def test_it_lists_what_the_image_holds(tmp_path: Path) -> None:
    """Run as `make sbom` runs it: every pinned package with its version and digests, and torch; no time of day."""
    pytest.importorskip("cyclonedx_py", reason="needs cyclonedx-bom")
    dry = subprocess.run(["make", "-n", "sbom"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    [recipe] = re.findall(r"^\{ cat .*\n.*cyclonedx_py .*$", dry, re.M)
    recipe = recipe.replace(".venv/bin/python", sys.executable).replace("sbom.json", str(tmp_path / "sbom.json"))
    pins = "\n".join((ROOT / "requirements" / name).read_text() for name in ("serve.lock", "torch.txt"))
    pinned = set(re.findall(r"^([\w.-]+)==([\w.+]+)", pins, re.M))

    subprocess.run(["bash", "-euo", "pipefail", "-c", recipe], cwd=ROOT, check=True)

    made = json.loads((tmp_path / "sbom.json").read_text())
    listed = {(one["name"], one["version"]) for one in made["components"]}
    unproven = {one["name"] for one in made["components"] if not one["externalReferences"][0].get("hashes")}
    assert (made["bomFormat"], pinned - listed) == ("CycloneDX", {("torchvision", dict(pinned)["torchvision"])})
    assert listed <= pinned
    assert unproven == {"torch"}
    assert "timestamp" not in made["metadata"]
