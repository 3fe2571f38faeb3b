"""Parts of the benchmarks of serving and scaling: wrk's figures, the work without a server, other archives, the tables."""

import shutil
import zipfile

import numpy as np
import pytest
import yaml

from benchmarks.live import Usage
from benchmarks.outcome import PreparedRequest, RequestOutcome, TimedAnswer
from benchmarks.prepared import in_format, judge_of
from benchmarks.repack import repacked
from benchmarks.scaling.measure import Bench, ResultLine
from benchmarks.scaling.measure import markdown as scaling_table
from benchmarks.serving.findings import Cell, Serving, Steady, cores_between, fastest, markdown
from benchmarks.serving.limit import Limit, in_process_limit
from benchmarks.serving.plot import draw
from benchmarks.serving.wrk import LoadFigures, closed_loop, figures
from snag.core.errors import BadConfig
from snag.core.files import sha256_of
from snag.core.picture import decode
from tests.benchmarks.test_traffic import length, serving
from tests.e2e.conftest import pack


def usage(cpu, kind="worker"):
    return Usage(1, kind, 2**20, 2**20, cpu, 5)


def test_figures():
    """wrk's microseconds become seconds, its failures stay apart."""
    printed = "Running 1s test\nfigures [200,2000000,1,3,1000,2000,3000,4000]\n"

    found = figures(printed, clients=4)

    assert found == LoadFigures(4, 200, 2.0, 1, 3, 0.001, 0.002, 0.003, 0.004)
    assert found.per_second == 100.0


@pytest.mark.skipif(shutil.which("wrk") is None, reason="needs the load tool wrk")
def test_closed_loop(tmp_path):
    """wrk sends every body in turn, with its own path and content type."""
    seen = set()

    async def handler(request):
        seen.add((request.path, request.headers["Content-Type"], len(await request.read())))
        return await length(request)

    requests = [PreparedRequest("a", f"/p/{size}", b"x" * size, {"Content-Type": "image/png"}) for size in (1, 70_000)]
    with serving(handler) as base:
        found = closed_loop(base, requests, clients=2, seconds=1, folder=tmp_path)

    assert seen == {("/p/1", "image/png", 1), ("/p/70000", "image/png", 70_000)}
    assert (found.clients, found.broken, found.refused) == (2, 0, 0)
    assert 0 < found.p50 <= found.p99 <= found.p999


def test_without_wrk(tmp_path, monkeypatch):
    """Without the tool it says what is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BadConfig, match="apt install wrk"):
        closed_loop("http://127.0.0.1:1", [], 1, 1, tmp_path)


def test_the_limit_is_the_workers_own_work(tmp_path):
    """Without a server the archive's model answers the same requests, in as many processes as asked for."""
    pack(tmp_path, "bolt")
    archive = tmp_path / "store" / "bolt.mar"
    requests = in_format("PNG in JSON", judge_of(archive), [np.full((40, 50), 130, np.uint8)])

    found = in_process_limit(archive, requests, seconds=0.2, processes=1)

    assert found.processes == 1
    assert found.per_second > 0
    assert found.cpu_ms > 0


def test_cores():
    """A kind's processors are what its processes took, new ones included, by the time that went by."""
    before = [usage(1.0)]
    after = [usage(2.0), Usage(2, "worker", 0, 0, 0.5, 5), Usage(3, "java", 0, 0, 0.25, 5)]

    assert cores_between(before, after, 2.0) == {"gate": 0.0, "java": 0.125, "worker": 0.75}


def test_of_several_rounds_each_figure_is_the_fastest():
    """Every cell and every limit for itself; the start too."""

    def cell(answers):
        return Cell("PNG as body", LoadFigures(1, answers, 2.0, 0, 0, 0.01, 0.02, 0.03, 0.04), {}, [])

    first = Serving(5.0, [cell(100), cell(90)], {"PNG as body": Limit(2, 60.0, 30.0)}, [])
    second = Serving(4.0, [cell(80), cell(110)], {"PNG as body": Limit(2, 50.0, 40.0)}, [])

    found = fastest([first, second])

    assert [one.figures.answers for one in found.cells] == [100, 110]
    assert found.limits == {"PNG as body": Limit(2, 60.0, 30.0)}
    assert (found.start_seconds, found.rounds) == (4.0, 2)


def test_tables_and_curve(tmp_path):
    """Best throughput, limit and ratio stand in one row; the curve is drawn."""
    cores = {"gate": 0.1, "java": 0.2, "worker": 1.5}
    cells = [
        Cell("PNG as body", LoadFigures(count, 100 * count, 2.0, 0, 0, 0.01, 0.02, 0.03, 0.04), cores, [usage(1.0)])
        for count in (1, 2)
    ]
    samples = [TimedAnswer("PNG as body", 0.1, 0.01, RequestOutcome.RIGHT, 200)]
    found = Serving(5.0, cells, {"PNG as body": Limit(2, 125.0, 16.0)}, [Steady("PNG as body", 70.0, samples)])

    text = markdown(found)
    draw(found, tmp_path / "curve.svg")

    assert "| PNG as body | 100 | 2 | 125 | 0.80 | 16 | 10 | 30 |" in text
    assert (tmp_path / "curve.svg").read_bytes().startswith(b"<?xml")


class TestScaling:
    def test_repacked(self, tmp_path):
        """An archive under another name and with other workers keeps its model, and its digest is right."""
        artifact, _ = pack(tmp_path, "bolt")

        path = repacked(tmp_path / "store" / "bolt.mar", tmp_path / "other", "nut", {"minWorkers": 3})

        judge = judge_of(path)
        config = yaml.safe_load(zipfile.ZipFile(path).read("model-config.yaml"))
        assert (judge.model, judge.artifact.fingerprint) == ("nut", artifact.fingerprint)
        assert (config["minWorkers"], config["maxWorkers"]) == (3, 1)
        assert (tmp_path / "other" / "nut.mar.sha256").read_text() == f"{sha256_of(path)}  nut.mar\n"

    def test_pictures(self, tmp_path):
        """Pictures are sent in the size that is asked for."""
        pack(tmp_path, "bolt")
        archive = tmp_path / "store" / "bolt.mar"
        bench = Bench(archive, judge_of(archive), [1], 1.0, tmp_path)

        sizes = [
            tuple(decode(one.body).shape)
            for side in (None, 8)
            for one in bench.pictures([np.full((40, 50), 130, np.uint8)], side)
        ]

        assert sizes == [(1, 40, 50), (1, 8, 8)]

    def test_table(self):
        """A row has throughput, times, processors, memory and start."""
        cores = {"gate": 0.1, "java": 0.2, "worker": 1.5}
        row = ResultLine("2", 5.0, LoadFigures(8, 200, 2.0, 0, 1, 0.01, 0.02, 0.03, 0.04), cores, 600.0, 300.0)

        assert "| 2 | 100 | 10 | 30 | 1 | 0.1 | 0.2 | 1.5 | 600 | 300 | 5 |" in scaling_table("workers", [row])
