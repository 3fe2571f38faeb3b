"""Starting, stopping and failing to start the real server."""

import contextlib
import hashlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile

import psutil
import pytest
import requests

from snag.client.__main__ import main as predict
from snag.gate.upstream import messages
from snag.server.health import main as health
from snag.server.serve import main as serve
from snag.server.state.instance import Instance
from snag.server.state.ports import free_ports, is_free
from snag.server.stop import main as stop
from tests.e2e.conftest import ROOT, flags, pack
from tests.support.ipv6 import LOOPBACK

pytestmark = pytest.mark.e2e


@pytest.fixture
def place(tmp_path):
    """(flags of ports and folders, instance); whatever runs there is stopped afterwards."""
    ports = tuple(free_ports(3))
    where = [*flags(ports), "--server-folder", str(tmp_path / "server")]
    yield where, ports, Instance(tmp_path / "server")
    assert stop(where) == 0


def served(tmp_path, model, where, *more):
    return serve(["--model", model, "--model-store", str(tmp_path / "store"), *where, *more])


def test_two_cycles(tmp_path, place, capsys):
    """Start, start again (nothing happens), start elsewhere with another archive (it restarts), stop, stop again (nothing)."""
    where, ports, instance = place
    pack(tmp_path, "bolt")

    assert served(tmp_path, "bolt", where) == 0
    output = capsys.readouterr().out
    pasted = subprocess.run(["bash", "-c", output.splitlines()[-1]], capture_output=True, text=True, check=True).stdout
    assert json.loads(pasted).keys() >= {"Anomaly", "score", "threshold", "p_value", "reconstruction_error", "model", "version"}
    assert "bolt 1.0 is served by 1 workers" in output
    first = instance.note()

    assert served(tmp_path, "bolt", where) == 0
    assert "already served with this archive" in capsys.readouterr().out
    assert instance.note() == first

    pack(tmp_path, "bolt", "2.0")
    assert served(tmp_path, "bolt", where, "--inference-host", LOOPBACK) == 0
    output = capsys.readouterr().out
    pasted = subprocess.run(["bash", "-c", output.splitlines()[-1]], capture_output=True, text=True, check=True).stdout
    assert json.loads(pasted)["version"] == "2.0"
    assert "bolt 2.0 is served by 1 workers" in output
    assert not psutil.pid_exists(first.pid)
    assert health(where) == 0
    assert capsys.readouterr().out == "bolt 2.0: 1 of 1 workers ready\n"
    family = [instance.process(), *instance.process().children(recursive=True)]

    assert stop(where) == 0
    assert capsys.readouterr().out == "stopped\n"
    assert [one for one in family if one.is_running()] == []
    assert stop(where) == 0
    assert capsys.readouterr().out == f"no server of Snag runs on port {ports[0]}\n"
    left = {path.name for path in instance.folder.iterdir()}
    assert left & {"tmp", "key_file.json", "server.json"} == set()
    assert health(["--inference-port", str(ports[0])]) == 2
    log = (instance.logs / "server.log").read_text()
    assert "ERROR" not in log
    assert len(log.splitlines()) == len(set(log.splitlines()))


def test_calibration_of_another_model(tmp_path, place, capsys):
    """An archive whose calibration is another model's never comes up; the reason is the handler's own sentence."""
    where, ports, instance = place
    pack(tmp_path, "bolt")
    mar = tmp_path / "store" / "bolt.mar"
    with zipfile.ZipFile(mar) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["calibration.json"] = json.dumps({**json.loads(members["calibration.json"]), "artifact": "f" * 64}).encode()
    with zipfile.ZipFile(mar, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    mar.with_name("bolt.mar.sha256").write_text(f"{hashlib.sha256(mar.read_bytes()).hexdigest()}  bolt.mar\n")

    assert served(tmp_path, "bolt", where) == 2

    error = capsys.readouterr().err
    assert "the server did not come up: a worker died: " in error
    assert "was made for the model with fingerprint ffffffffffff" in error
    assert error.count("\n") == 1
    assert messages.WORKER_ENDED in (instance.logs / "server.log").read_text()
    assert instance.process() is None
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{ports[0]}/ping", timeout=5)


def test_archive_is_verified_first(tmp_path, place, capsys):
    """A missing, damaged or undigested archive is refused before anything is started."""
    where, _, instance = place
    assert served(tmp_path, "bolt", where) == 2
    assert "there is no archive; run `make archive`" in capsys.readouterr().err

    pack(tmp_path, "bolt")
    mar = tmp_path / "store" / "bolt.mar"
    mar.write_bytes(mar.read_bytes()[:-100])
    assert served(tmp_path, "bolt", where) == 2
    assert "it is not what was packed" in capsys.readouterr().err

    mar.with_name("bolt.mar.sha256").unlink()
    assert served(tmp_path, "bolt", where) == 2
    assert "its digest bolt.mar.sha256 is missing" in capsys.readouterr().err
    assert not instance.folder.exists()


def test_port_in_use(tmp_path, place, capsys):
    """A port that is taken is named, with the flag that changes it."""
    where, ports, instance = place
    pack(tmp_path, "bolt")
    with socket.create_server(("127.0.0.1", ports[1])):
        assert served(tmp_path, "bolt", where) == 2

    assert f"port {ports[1]} is in use by another program; choose another with --management-port" in capsys.readouterr().err
    assert instance.process() is None


def test_foreground(tmp_path, place):
    """In the foreground it stays until SIGTERM, ends Java too, and says that all is well."""
    where, ports, _ = place
    pack(tmp_path, "bolt")
    command = [sys.executable, "-m", "snag.server.serve", "--model", "bolt", "--model-store", str(tmp_path / "store"), *where]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TS_CONFIG_FILE": "/nonexistent"}
    with subprocess.Popen(
        [*command, "--foreground"], stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
    ) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "curl" in line:
                break
        assert requests.get(f"http://127.0.0.1:{ports[0]}/ping", timeout=5).ok
        java = [one for one in psutil.Process(process.pid).children() if "java" in one.name()]

        process.send_signal(signal.SIGTERM)
        process.stdout.read()

        assert process.wait(timeout=30) == 0
    assert len(java) == 1
    assert not java[0].is_running()
    assert any("bolt 1.0 is served by 1 workers" in line for line in lines)


def test_interrupted(tmp_path, place):
    """A start that is cut short takes the server it began with it."""
    where, ports, instance = place
    pack(tmp_path, "bolt")
    command = [sys.executable, "-m", "snag.server.serve", "--model", "bolt", "--model-store", str(tmp_path / "store"), *where]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path) as process:
        while (note := instance.note()) is None and process.poll() is None:
            time.sleep(0.02)

        process.terminate()

        assert process.wait(timeout=40) == 143
    assert not psutil.pid_exists(note.pid)
    assert all(is_free("127.0.0.1", port) for port in ports)


def test_worker_dies(live_server, capsys):
    """Health tells the truth within seconds of a worker's death, and again when it is back."""
    ports = ["--inference-port", str(live_server.ports[0])]
    worker = next(
        one
        for one in Instance(live_server.folder).process().children(recursive=True)
        if any("model_service_worker" in word for word in one.cmdline())
    )

    worker.kill()

    def becomes(code, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if health(ports) == code:
                return True
            time.sleep(0.1)
        return False

    assert becomes(2, 5)
    assert "tiny-bolt 1.5 has 0 of 1 workers" in capsys.readouterr().err
    assert becomes(0, 60)


def test_predict_command(live_server, tmp_path, capsys):
    """`python -m snag.client` judges a folder through the server and saves the pictures asked for."""
    from PIL import Image

    images = tmp_path / "in"
    images.mkdir()
    Image.new("L", (50, 30), 130).save(images / "good.png")
    Image.new("L", (50, 30), 255).save(images / "bad.png")
    (images / "odd.png").write_text("no picture")
    arguments = ["--images", str(images), "--model", "tiny-bolt", "--inference-port", str(live_server.ports[0])]

    assert predict([*arguments, "--save", "map,overlay,mask", "--out", str(tmp_path / "out")]) == 0

    assert "3 pictures: 1 good, 1 anomaly, 1 not judged" in capsys.readouterr().out
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.png")}
    assert {name: Image.open(io.BytesIO(data)).size for name, data in written.items()} == {
        f"{name}_png_{kind}.png": (50, 30) for name in ("good", "bad") for kind in ("map", "overlay", "mask")
    }
    masks = [set(Image.open(io.BytesIO(written[f"{name}_png_mask.png"])).tobytes()) for name in ("good", "bad")]
    assert masks == [{0}, {255}]


def test_model_api_is_closed(live_server):
    """Models can't be registered, and nothing but the store's archives may be read."""
    management = f"http://127.0.0.1:{live_server.ports[1]}"

    with contextlib.closing(requests.post(f"{management}/models?url=file:///etc/passwd", timeout=10)) as answer:
        assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


def test_loopback_only(live_server):
    """Every listening port of the server, gRPC's too, is on loopback."""
    keeper = Instance(live_server.folder).process()
    listening = {
        one.laddr.ip.removeprefix("::ffff:")
        for process in (keeper, *keeper.children(recursive=True))
        for one in process.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    }

    assert listening == {"127.0.0.1"}
