"""The real server, a real broker and the line, each killed while parts come."""

from __future__ import annotations

import pytest

pytest.importorskip("paho.mqtt", reason="needs the packages of the extra `line`")

from benchmarks.line.__main__ import main
from tests.e2e.conftest import pack
from tests.support.mosquitto import Mosquitto
from tests.support.parts_of_demo import write_test_pictures

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_nothing_is_lost_and_nothing_judged_twice(tmp_path, capsys):
    """Two of the benchmark's cases, with few parts: what is lost is what a full spool told, and no part has two events."""
    assert Mosquitto  # without the broker this file is skipped
    pack(tmp_path, "bolt")
    write_test_pictures(tmp_path, {"good": 3, "white": 2})

    code = main(
        [
            *("--model", "bolt", "--model-store", str(tmp_path / "store"), "--pictures", str(tmp_path / "test")),
            *("--parts", "30", "--rate", "5", "--out", str(tmp_path / "out")),
            *("--cases", "all three killed,broker killed with a spool of 5"),
        ]
    )

    assert code == 0, capsys.readouterr().out
