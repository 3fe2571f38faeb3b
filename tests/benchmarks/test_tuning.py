"""Tuning: which settings are tried, which of the measured ones is best, and how they are written down."""

from pathlib import Path

import pytest
import yaml

from benchmarks.scaling.measure import ResultLine
from benchmarks.serving.wrk import LoadFigures
from benchmarks.tuning.choice import Knobs, Tried, batches, best, shapes, written
from snag.core.errors import BadConfig

CONFIG = Path(__file__).parents[2] / "handler" / "model-config.yaml"


def row(per_second: float, p50: float, broken: int = 0) -> ResultLine:
    figures = LoadFigures(8, int(per_second * 10), 10.0, broken, 0, p50, p50, p50, p50)
    return ResultLine("", 5.0, figures, {}, 300.0, 200.0)


def tried(workers: int, per_second: float, alone: float = 0.02, broken: int = 0) -> Tried:
    return Tried(Knobs(workers, 1), row(per_second, 0.1, broken), row(per_second / 2, alone))


def test_every_shape_uses_all_cores_and_one_has_a_worker_more():
    assert [(one.workers, one.threads) for one in shapes(4)] == [(1, 4), (2, 2), (4, 1), (5, 1)]
    assert [(one.workers, one.threads) for one in shapes(1)] == [(1, 1), (2, 1)]


def test_batches_are_tried_with_the_best_shape_alone():
    assert batches(Knobs(3, 1), [1, 2, 8], 5) == [Knobs(3, 1, 2, 5), Knobs(3, 1, 8, 5)]


def test_the_highest_throughput_wins():
    assert best([tried(1, 30.0), tried(2, 60.0), tried(3, 50.0)]).knobs.workers == 2


def test_of_throughputs_that_are_alike_the_one_with_the_shorter_wait_wins():
    assert best([tried(2, 60.0, alone=0.03), tried(3, 59.0, alone=0.02), tried(4, 50.0, alone=0.01)]).knobs.workers == 3


def test_settings_under_which_a_request_stayed_without_its_answer_are_none():
    assert best([tried(2, 60.0), tried(3, 90.0, broken=1)]).knobs.workers == 2
    with pytest.raises(BadConfig, match="every request got its answer"):
        best([tried(2, 60.0, broken=1)])


def test_the_best_settings_are_written_into_the_products_file_and_nothing_else_changes():
    before = CONFIG.read_text()

    after = written(before, Knobs(3, 2, 8, 5))

    expected = yaml.safe_load(before) | {"minWorkers": 3, "maxWorkers": 3, "batchSize": 8, "maxBatchDelay": 5}
    expected["handler"]["torch_threads"] = 2
    assert yaml.safe_load(after) == expected
    assert [line for line in after.splitlines() if "#" in line] == [line for line in before.splitlines() if "#" in line]


def test_a_server_that_tries_settings_out_gets_the_same_lines():
    config = yaml.safe_load(CONFIG.read_text())

    assert config | Knobs(3, 2, 8, 5).over(config) == yaml.safe_load(written(CONFIG.read_text(), Knobs(3, 2, 8, 5)))


def test_a_file_without_a_line_for_each_setting_is_refused():
    with pytest.raises(BadConfig, match="expected one line 'minWorkers'"):
        written("batchSize: 1\n", Knobs(1, 1))
