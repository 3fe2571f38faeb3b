"""The built image: its own entry point, as its own user, judges a picture. Asked for with SNAG_IMAGE, for building takes long.

deploy/image/build FOLDER && SNAG_IMAGE=FOLDER make test ARGS="-k test_image"
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

import snag
from snag.server.state.ports import free_ports
from snag.training import archive
from tests.support.trained import Trained

FOLDER = os.environ.get("SNAG_IMAGE")
TAG = os.environ.get("SNAG_IMAGE_TAG", f"snag:{snag.__version__}")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not FOLDER, reason="SNAG_IMAGE names no folder of deploy/image/build"),
    pytest.mark.skipif(shutil.which("buildah") is None, reason="needs buildah"),
]


def buildah(*words: str) -> str:
    command = ["buildah", "--storage-driver", "vfs", "--root", f"{FOLDER}/storage", "--runroot", f"{FOLDER}/run", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    name = buildah("from", f"localhost/{TAG}")
    yield name
    buildah("rm", name)


@pytest.fixture(scope="module")
def configuration(container: str) -> dict:
    return json.loads(buildah("inspect", "--type", "container", container))["Docker"]["config"]


@pytest.fixture(scope="module")
def address(container: str, configuration: dict, bolts: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the image, on loopback: chroot isolation shares this machine's network."""
    store = tmp_path_factory.mktemp("store")
    assert archive.main(["--run", str(bolts.run), "--model", "bolt", "--model-store", str(store)]) == 0
    store.chmod(0o755)  # the image's user is nobody here
    inference, management, metrics = free_ports(3)
    ports = ["--inference-port", str(inference), "--management-port", str(management), "--metrics-port", str(metrics)]
    command = ["buildah", "--storage-driver", "vfs", "--root", f"{FOLDER}/storage", "--runroot", f"{FOLDER}/run"]
    command += ["run", "--isolation", "chroot", "--user", configuration["User"], "-v", f"{store}:/srv/snag/model_store:ro"]
    words = configuration["Entrypoint"]
    entry = words[: words.index("--inference-host")]  # what follows opens it to whatever reaches the container
    running = subprocess.Popen([*command, container, "--", *entry, "--model", "bolt", *ports], start_new_session=True)
    yield f"http://127.0.0.1:{inference}"
    os.killpg(running.pid, signal.SIGTERM)
    running.wait(timeout=60)


def test_the_server_of_the_image_judges_a_picture(address: str, bolts: Trained) -> None:
    """It becomes ready and answers a picture with a verdict."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{address}/health/ready", timeout=5).ok:
                break
        except requests.ConnectionError:
            time.sleep(0.5)
    picture = next((bolts.data / "train/good").iterdir()).read_bytes()

    answer = requests.post(f"{address}/predictions/bolt", data=picture, headers={"Content-Type": "image/png"}, timeout=60)

    assert answer.status_code == 200
    assert answer.json()["model"] == "bolt"


def test_the_image_has_no_rights_and_knows_its_health(configuration: dict) -> None:
    """It runs as a user without rights, and says how its health is asked."""
    assert configuration["User"] == "10001"
    assert configuration["Healthcheck"]["Test"] == ["CMD", "python", "-m", "snag", "health"]


def test_an_image_without_cuda_is_below_one_and_a_half_gigabytes(container: str) -> None:
    """What serves needs nothing that trains; where torch brought CUDA along, that alone is more."""
    root = Path(buildah("mount", container))
    packages = {path.name for path in (root / "opt/snag/lib/python3.11/site-packages").iterdir()}

    assert packages & {"torchvision", "scipy", "sklearn", "matplotlib", "pandas", "efficientnet_lite_pytorch"} == set()
    if "nvidia" in packages:
        pytest.skip("torch brought CUDA along: no index of CPU wheels was named")
    size = subprocess.run(["du", "-sx", "--block-size=1MB", root], capture_output=True, text=True, check=True).stdout
    assert int(size.split()[0]) < 1500


def test_the_image_has_no_compiler_and_no_address_of_where_it_was_built(container: str) -> None:
    """What built it stays outside: no compiler, no settings or caches of pip, no package lists. Root, who sees all, looks."""
    left = r"find / -xdev -type f -size +0 \( -name pip.conf -o -path '*/.cache/*' -o -path '*/apt/lists/*' \)"
    script = f"command -v gcc cc make; {left}; true"

    found = buildah("run", "--isolation", "chroot", "--user", "root", container, "--", "sh", "-c", script)

    assert found == ""
