"""Data from the web: fetched once, checked, and nothing kept of what is wrong."""

import hashlib
import json
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.data_sets import data_set, under, write_tar, write_zip
from tests.support.ingested import bring_into, brought


@pytest.fixture
def target(tmp_path):
    """Where the command puts what it brings in."""
    return tmp_path / "home/raw"


@pytest.fixture
def bring(target):
    """Run the command with this target."""
    return partial(bring_into, target)


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder; /endless never ends, /short stops early."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/endless.zip":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(bytes(1 << 16))
            except OSError:
                return
        elif self.path == "/short.zip":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"PK\x03\x04")
        else:
            super().do_GET()


@contextmanager
def serving(folder):
    """A server of the folder on a free port of the loopback; its address and the list of what was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def web(tmp_path, monkeypatch):
    """A folder on the loopback web: the folder, its address, the paths asked for."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "web"
    folder.mkdir()
    with serving(folder) as (address, asked):
        yield folder, address, asked


def test_download(web, target, bring):
    """An address is fetched, checked against its checksum, unpacked; and not fetched again for another category."""
    folder, address, asked = web
    source = write_tar(folder / "mvtec.tar.xz", under("screw", data_set()) | under("nut", data_set(30)), "w:xz")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()

    assert bring(f"{address}/mvtec.tar.xz", "--sha256", digest, "--category", "screw") == 0
    assert bring(f"{address}/mvtec.tar.xz", "--sha256", digest, "--category", "screw") == 0
    assert bring(f"{address}/mvtec.tar.xz", "--sha256", digest, "--category", "nut") == 0

    assert brought(target / "screw") == data_set()
    assert brought(target / "nut") == data_set(30)
    assert asked == ["/mvtec.tar.xz"]


@pytest.mark.parametrize(
    ("path", "flags", "message"),
    [
        ("screw.zip", ["--sha256", "0" * 64], "is not the file that was asked for"),
        ("absent.zip", [], "can't be fetched: 404"),
        ("short.zip", [], "can't be fetched: "),
        ("endless.zip", ["--max-gigabytes", "0.01"], "more bytes than allowed"),
    ],
)
def test_download_that_fails(web, target, bring, capsys, path, flags, message):
    """A wrong checksum, a missing file, a connection that breaks and a download without end: one line, and nothing is kept."""
    folder, address, _ = web
    write_zip(folder / "screw.zip", data_set())

    assert bring(f"{address}/{path}", *flags) == 2

    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith("error: ")] == lines[-1:]
    assert message in lines[-1]
    assert not target.exists()


def test_password_is_not_kept(web, target, bring, capsys):
    """A name and password in an address are used, and neither written down nor printed in an error."""
    folder, address, _ = web
    write_zip(folder / "screw.zip", under("screw", data_set()))
    secret = address.replace("//", "//me:hunter2@") + "/screw.zip"

    assert bring(secret) == 0

    assert json.loads((target / "screw/source.json").read_text())["source"] == f"{address}/screw.zip"
    assert bring(secret.replace("screw", "absent")) == 2
    assert "hunter2" not in capsys.readouterr().err


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/a.zip", "s3://bucket/a.zip"])
def test_other_kinds_of_address(target, bring, capsys, address):
    """Only http and https are fetched."""
    assert bring(address) == 2

    assert capsys.readouterr().err == f"error: {address}: expected an address that begins with http:// or https://\n"
    assert not target.exists()
