"""The demonstration with the real server: from start to a clean stop, also when it is interrupted."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from snag.core.files import write_text
from snag.server.state.instance import Instance
from tests.e2e.conftest import pack
from tests.support.parts_of_demo import write_test_pictures

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]


def start(folder: Path) -> subprocess.Popen[str]:
    """The demonstration of a tiny model, as `make demo` starts it."""
    artifact, calibration = pack(folder, "bolt")
    write_test_pictures(folder / "data", {"good": 1, "dent": 2})
    run = folder / "run-bolt"  # all is made: pictures, model, report and archive name each other
    write_text(run / "config.json", json.dumps({"settings": {"data": str(folder / "data"), "preset": "quick"}}))
    figures = {"artifact": {"fingerprint": artifact.fingerprint}, "threshold": calibration.threshold}
    write_text(run / "report" / "metrics.json", json.dumps(figures))
    shutil.copystat(folder / "store" / "bolt.mar", run / "report" / "metrics.json")
    where = ["--data", folder / "data", "--run", run, "--model-store", folder / "store"]
    command = [sys.executable, "-m", "snag", "demo", "--model", "bolt", *map(str, where)]
    surroundings = {**os.environ, "COLUMNS": "160", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def is_gone(folder: Path) -> bool:
    instance = Instance(folder / "run-bolt" / "server")
    return instance.process() is None and instance.note() is None


def test_it_judges_scrapes_draws_and_stops(tmp_path):
    """A prediction and its overlay for each picture and one refusal are counted; the server's own golden picture is not."""
    demo = start(tmp_path)
    output, _ = demo.communicate(timeout=120)

    assert demo.returncode == 0, output
    assert "3 of 3 verdicts right" in output
    assert "415 unsupported_format" in output
    counted = re.findall(r'snag_requests_total\{endpoint="(\w+)"\} +│ +(\d+)', output)
    assert dict(counted) == {"explanations": "3", "predictions": "4"}
    assert 'snag_errors_total{code="unsupported_format"} │ 1' in output
    assert "server stopped" in output
    with Image.open(tmp_path / "run-bolt" / "heatmap.png") as sheet:
        assert sheet.size == (3 * 266 + 6, 282 + 6)
    assert is_gone(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupted_demonstration_leaves_no_server(tmp_path, number):
    demo = start(tmp_path)
    while "is served by" not in (line := demo.stdout.readline()):
        assert line, "it ended before it served"

    demo.send_signal(number)
    output, _ = demo.communicate(timeout=60)

    assert demo.returncode in (130, 128 + number), output
    assert is_gone(tmp_path)
