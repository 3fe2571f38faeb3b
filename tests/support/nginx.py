"""A real nginx with the configuration of deploy/nginx, on ports of the test's own."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from snag.server.state.ports import free_ports

CONFIGURATION = Path(__file__).parents[2] / "deploy/nginx/infer.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

#: What stands around a server block; every path below the test's folder.
AROUND = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    include {folder}/infer.conf;
}}
"""


@contextmanager
def nginx(folder: Path, model: str, inference_port: int) -> Iterator[str]:
    """Runs before the server on `inference_port`; gives its own address."""
    (port,) = free_ports(1)
    text = CONFIGURATION.read_text()
    for written, here in (
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        ("127.0.0.1:8090", f"127.0.0.1:{inference_port}"),
        ("/predictions/screw", f"/predictions/{model}"),
    ):
        assert written in text
        text = text.replace(written, here)
    folder.mkdir()
    (folder / "infer.conf").write_text(text)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
    process = subprocess.Popen([str(NGINX), "-p", str(folder), "-c", "nginx.conf", "-e", str(folder / "error.log")])
    try:
        _wait(f"http://127.0.0.1:{port}/nothing", process, folder)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, (folder / "error.log").read_text()
        try:
            requests.get(url, timeout=1)
            return
        except requests.ConnectionError:
            time.sleep(0.02)
    raise AssertionError("nginx does not answer")
