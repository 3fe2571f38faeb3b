"""The fault benchmark's parts: altered archives, the watch of health, the tables and what counts as right."""

import http.server
import json
import math
import threading
import time
import zipfile

import pytest

from benchmarks.faults.archives import BROKEN, in_version, with_other_scores
from benchmarks.faults.findings import Fault, faults_table, starts_table
from benchmarks.faults.health import HealthWatch
from benchmarks.faults.starts import Start
from benchmarks.outcome import RequestOutcome, TimedAnswer
from snag.core.errors import BadArtifact
from snag.server.state.archive import verify_archive
from tests.support.mars import GOLDEN, PICTURE, write_mar

#: These look whole from outside; a worker finds out.
FOUND_LATER = {
    "another threshold than its scores give",
    "calibration of another model",
    "golden pictures with other scores",
    "without a model",
}


def sample(outcome, tries=1):
    return TimedAnswer("picture", 0.0, 0.5, outcome, tries=tries)


class TestArchives:
    @pytest.mark.parametrize("case", BROKEN)
    def test_broken(self, tmp_path, case):
        """Each differs from the good archive; those that look broken from outside are refused before anything is started."""
        write_mar(tmp_path, "bolt")
        good = (tmp_path / "bolt.mar").read_bytes()

        BROKEN[case](tmp_path / "bolt.mar", tmp_path / "broken" / "bolt.mar")

        if case in FOUND_LATER - {"without a model"}:
            assert (tmp_path / "broken" / "bolt.mar").read_bytes() != good
        if case not in FOUND_LATER:
            with pytest.raises(BadArtifact, match=r"run `make (calibrate )?archive`"):
                verify_archive(tmp_path / "broken", "bolt")
        assert (tmp_path / "bolt.mar").read_bytes() == good

    def test_in_version(self, tmp_path):
        """Another version is the same archive but for its number, and whole."""
        write_mar(tmp_path, "bolt", "1.0")

        in_version(tmp_path / "bolt.mar", tmp_path / "next" / "bolt.mar", "2.0")

        assert verify_archive(tmp_path / "next", "bolt").version == "2.0"
        with zipfile.ZipFile(tmp_path / "next" / "bolt.mar") as archive:
            assert archive.read("golden/0.png") == PICTURE

    def test_with_other_scores(self, tmp_path):
        """No golden score is what it was, nor near it."""
        write_mar(tmp_path, "bolt", "1.0")

        with_other_scores(tmp_path / "bolt.mar", tmp_path / "next" / "bolt.mar", "2.0")

        with zipfile.ZipFile(tmp_path / "next" / "bolt.mar") as archive:
            golden = json.loads(archive.read("golden.json"))
        assert abs(golden["pictures"][0]["score"] - GOLDEN["pictures"][0]["score"]) > 10 * GOLDEN["tolerance"]


class Health(http.server.BaseHTTPRequestHandler):
    """Says what its server is told to say."""

    def do_GET(self):
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_health_watch():
    """It sees when readiness went, and when it came back for good."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        server.status = 200
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with HealthWatch(f"http://127.0.0.1:{server.server_port}") as health:
            time.sleep(0.4)
            struck = time.monotonic()
            server.status = 503
            time.sleep(0.6)
            server.status = 200
            health.wait(at_least=0.5, at_most=10)
        server.shutdown()

    noticed, ready = health.outage(struck)
    assert 0 <= noticed < 0.5
    assert 0.5 < ready < 2
    assert health.outage(time.monotonic()) is None


class TestFindings:
    @pytest.mark.parametrize(
        ("outcomes", "noticed", "ready", "expected"),
        [
            ([RequestOutcome.RIGHT, RequestOutcome.REFUSED], 1.0, 9.0, True),
            ([RequestOutcome.RIGHT], None, None, True),
            ([RequestOutcome.WRONG], None, None, False),
            ([RequestOutcome.LOST], None, None, False),
            ([RequestOutcome.RIGHT], 6.0, 9.0, False),
            ([RequestOutcome.RIGHT], 1.0, math.nan, False),
        ],
    )
    def test_right(self, outcomes, noticed, ready, expected):
        """Refusals are fair; a wrong or lost answer is not, nor to notice late, nor never to come back."""
        assert Fault("x", [sample(one) for one in outcomes], noticed, ready, "").is_right is expected

    def test_tables(self):
        """A row for each."""
        fault = Fault(
            "a worker killed", [sample(RequestOutcome.RIGHT), sample(RequestOutcome.REFUSED, tries=2)], 0.81, 7.0, "one"
        )
        start = Start("truncated", 2, "error: it is broken", 1.25, 0)

        assert faults_table([fault]).splitlines()[2] == "| a worker killed | 2 | 1 | 1 | 0 | 0 | 1 | 0.8 | 7.0 | 0.5 | one |"
        assert starts_table([start]).splitlines()[2] == "| truncated | 2 | 1.2 | 0 | error: it is broken |"
        assert start.is_right

    @pytest.mark.parametrize(
        ("code", "reason", "left"), [(0, "error: x", 0), (2, "Traceback", 0), (2, "error: a\nb", 0), (2, "error: a", 1)]
    )
    def test_wrong_starts(self, code, reason, left):
        """To come up, to say nothing sensible, or to leave something running, is wrong."""
        assert not Start("x", code, reason, 1.0, left).is_right
