"""Which torch `make setup` installs: pip's default, the CPU-only wheels where pip's indexes have them, or those of an index."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.support.source import ROOT

PINS = (ROOT / "requirements/torch.txt").read_text().split()
GPU = any(Path(place).exists() for place in ("/proc/driver/nvidia", "/dev/nvidiactl", "/dev/dxg"))
#: Stands for Python in a new .venv: nothing is installed there; it notes what pip is to install, and asks real pip the rest.
STAND_IN = f"""#!/bin/bash
case "$*" in
    -c*) exit 1 ;;
    *"pip install"*) echo "${{*:4}}" >> installed ;;
    *) exec {sys.executable} "$@" ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, script in (("python", STAND_IN), ("nvidia-smi", "#!/bin/sh\nexit 9\n")):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "wheels").mkdir()
    return tmp_path


def setup(folder: Path, index: str = "", **settings: str) -> tuple[str, str]:
    """What would be installed, and what is said; pip is set up with the folder of wheels alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    own = {"PATH": f"{folder}:{os.environ['PATH']}", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": str(folder / "wheels")}
    done = subprocess.run(
        ["sh", ROOT / "requirements/torch.sh", folder / "python", index],
        cwd=folder,
        env=kept | own | {"PIP_NO_INDEX": "1"} | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    return (folder / "installed").read_text().strip(), done.stdout


def wheel(folder: Path, name: str, version: str) -> None:
    """A wheel that pip finds; there is nothing in it."""
    with zipfile.ZipFile(folder / "wheels" / f"{name}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


@pytest.mark.skipif(GPU, reason="needs a machine without an NVIDIA GPU")
def test_without_a_gpu_the_small_wheels_are_taken_where_pip_finds_both(folder: Path) -> None:
    for pin in PINS:
        wheel(folder, *f"{pin}+cpu".split("=="))

    installed, said = setup(folder)

    assert installed == " ".join(f"{pin}+cpu" for pin in PINS)
    assert said == "no NVIDIA GPU here: taking the CPU-only wheels of torch\n"


@pytest.mark.skipif(GPU, reason="needs a machine without an NVIDIA GPU")
@pytest.mark.parametrize("there", ["nothing", "one of two", "other versions"])
def test_where_pip_does_not_find_them_the_default_is_taken_and_the_setting_is_named(folder: Path, there: str) -> None:
    if there == "one of two":
        wheel(folder, *f"{PINS[0]}+cpu".split("=="))
    if there == "other versions":
        for pin in PINS:
            wheel(folder, *f"{pin}1+cpu".split("=="))
            wheel(folder, *pin.split("=="))

    installed, said = setup(folder)

    assert installed == f"-r {ROOT}/requirements/torch.txt"
    assert "make setup TORCH_INDEX=…" in said
    assert "docs/how-to/install.md" in said
    assert "CPU-only" in (ROOT / "docs/how-to/install.md").read_text()


@pytest.mark.skipif(GPU, reason="needs a machine without an NVIDIA GPU")
def test_an_index_that_does_not_answer_is_not_waited_for(folder: Path) -> None:
    """It accepts and says nothing; pip asks it once, for seconds."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        installed, _ = setup(folder, PIP_NO_INDEX="0", PIP_INDEX_URL=address, PIP_DEFAULT_TIMEOUT="180", PIP_RETRIES="5")

    assert installed == f"-r {ROOT}/requirements/torch.txt"
    assert time.monotonic() - start < 20


def test_with_a_gpu_nothing_is_asked_and_the_default_is_taken(folder: Path) -> None:
    for pin in PINS:
        wheel(folder, *f"{pin}+cpu".split("=="))
    (folder / "nvidia-smi").write_text("#!/bin/sh\necho GPU 0\n")

    assert setup(folder) == (f"-r {ROOT}/requirements/torch.txt", "")


def test_an_index_that_is_named_is_taken(folder: Path) -> None:
    assert setup(folder, "file:///some/index") == (f"--index-url file:///some/index -r {ROOT}/requirements/torch.txt", "")


def test_what_is_installed_already_stays(folder: Path) -> None:
    (folder / "python").write_text(STAND_IN.replace("exit 1", "exit 0"))

    assert setup(folder) == (f"-r {ROOT}/requirements/torch.txt", "")
