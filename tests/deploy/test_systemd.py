"""The unit for systemd: it is one, it starts a command of this repository, and starts it again when it was killed."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from snag.cli.settings import from_flags
from snag.server.settings import ServeSettings

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy/systemd/snag.service"


class Repeated(dict):
    """Keys in the sections of a unit may come twice."""

    def __setitem__(self, key, value):
        if key in self and isinstance(value, list):
            self[key].extend(value)
        else:
            super().__setitem__(key, value)


@pytest.fixture
def service() -> dict[str, str]:
    parser = configparser.ConfigParser(dict_type=Repeated, strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNIT.read_text())
    return dict(parser["Service"])


def test_what_it_starts_is_the_server_in_the_foreground_with_every_model(service):
    """The command and its flags are those of today, and it is the unit's folder that is the repository."""
    program, *words = shlex.split(service["ExecStart"])
    name, flags = shlex.split(service["Environment"])[0].split("=", 1)
    assert words.pop() == f"${name}"

    settings = from_flags(ServeSettings, [*words[3:], *flags.split()])

    assert program == f"{service['WorkingDirectory']}/.venv/bin/python"
    assert words[:3] == ["-m", "snag", "serve"]
    assert (settings.foreground, settings.model) == (True, ["all"])
    assert service["ReadWritePaths"] == f"{service['WorkingDirectory']}/{settings.folder.parent}"
    assert settings.drain < float(service["TimeoutStopSec"])


def test_it_is_started_again_and_has_few_rights(service):
    assert service["Restart"] == "on-failure"
    assert (service["KillMode"], service["User"]) == ("mixed", "snag")
    assert [service[name] for name in ("NoNewPrivileges", "ProtectHome", "PrivateTmp")] == ["true"] * 3
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""


def test_systemd_finds_no_fault(tmp_path):
    """systemd itself reads every line of it; a name or value that it does not know would only be skipped."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze, of Debian's systemd")
    here = UNIT.read_text().replace("/srv/snag/.venv/bin/python", sys.executable).replace("/srv/snag", str(tmp_path))
    (tmp_path / "snag.service").write_text(here)

    def verify():
        command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / "snag.service")]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert [line for line in verify().stderr.splitlines() if "snag.service" in line] == []
    assert verify().returncode == 0
    (tmp_path / "snag.service").write_text(here.replace("Restart=on-failure", "Restart=on-failures"))
    assert "on-failures" in verify().stderr
