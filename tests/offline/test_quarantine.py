"""Pictures that end the process which judges them: one row among the refused for each, and all others as they should be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from snag.core.errors import ScoringFailed
from snag.offline import score as command
from snag.offline.engine import Finished
from snag.offline.score import ScoreSettings, score
from tests.support.fakes import tiny_artifact, tiny_calibration

ROOT = Path(__file__).parents[2]
#: Goes into every process before anything else: reading some pictures ends it, as a decoder that crashes would.
DEADLY = """
import os, signal
from snag.offline import sources
read = sources.read
def deadly(entry):
    if entry.name == "3.png" or os.environ.get("NOTHING"):
        os.kill(os.getpid(), signal.SIGKILL)
    if entry.name == "7.png":
        os._exit(70)
    once = os.environ.get("ONCE")
    if entry.name == "5.png" and once and not os.path.exists(once):
        open(once, "w").close()
        os.kill(os.getpid(), signal.SIGSEGV)
    return read(entry)
sources.read = deadly
"""


@pytest.fixture
def settings(tmp_path: Path) -> ScoreSettings:
    """Ten pictures in two parts, and a model for them."""
    (tmp_path / "source").mkdir()
    for number in range(10):
        Image.fromarray(np.full((20, 30), 60 + 10 * number, np.uint8)).save(tmp_path / f"source/{number}.png")
    tiny_calibration(tmp_path / "run", tiny_artifact(tmp_path / "run"))
    return ScoreSettings(
        source=str(tmp_path / "source"), run=tmp_path / "run", out=tmp_path / "out/scores.parquet", workers=1, part=9,
        model_config_file=ROOT / "handler/model-config.yaml",
    )  # fmt: skip


@pytest.fixture
def deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that are started from here on die over the pictures 3 and 7."""
    (tmp_path / "sitecustomize.py").write_text(DEADLY)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")


@pytest.fixture
def given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers have died over every part."""
    monkeypatch.setattr(
        command, "run_parts", lambda job, numbers, *_: (Finished(one, Counter(), is_given_up=True) for one in numbers)
    )


def rows(settings: ScoreSettings, ending: str = ".parquet") -> dict[str, dict[str, object]]:
    table = pq.read_table(settings.out.with_name(f"scores{ending}")).to_pylist()
    assert len({row["name"] for row in table}) == len(table)
    return {str(row["name"]): row for row in table}


@pytest.mark.slow
def test_the_pictures_that_end_processes_are_refused_and_all_others_judged(settings, deadly, given_up, tmp_path, monkeypatch):
    """A picture over which a process died once, and then none, is no culprit; a row has the numbers of an undisturbed run."""
    monkeypatch.setenv("ONCE", str(tmp_path / "once"))
    score(settings)
    refused, judged = rows(settings, ".refused.parquet"), rows(settings)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    settings.out.unlink()
    score(settings)

    assert (tmp_path / "once").exists()
    assert {name: (row["code"], row["message"]) for name, row in refused.items()} == {
        "3.png": ("deadly_picture", "each of 2 processes that judged 3.png alone was ended by SIGKILL"),
        "7.png": ("deadly_picture", "each of 2 processes that judged 7.png alone ended with exit code 70"),
    }
    undisturbed = rows(settings)
    assert judged == {name: row for name, row in undisturbed.items() if name not in refused}


def test_a_model_that_ends_processes_is_no_pictures_fault(settings, given_up, tmp_path, monkeypatch):
    """When none comes as far as a picture, the command says so, makes no tables, and could go on."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os\nfrom snag.core import artifact\nartifact.load_artifact = lambda _: os._exit(9)"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")

    with pytest.raises(ScoringFailed, match="0 to 8: a process ended with exit code 9 before it judged anything"):
        score(settings)

    assert not settings.out.exists()


@pytest.mark.slow
def test_the_whole_command_ends_with_a_row_for_each_picture(settings, deadly):
    """With Dask's own workers dying over a part, one picture after the other is found, and the command ends well."""
    flags = ["--source", settings.source, "--run", settings.run, "--out", settings.out, "--part", "5", "--workers", "1"]

    done = subprocess.run(
        [sys.executable, "-m", "snag.offline.score", *map(str, flags)],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "8 pictures judged" in done.stdout
    assert "refused: 2 deadly_picture" in done.stdout
    assert sorted([*rows(settings), *rows(settings, ".refused.parquet")]) == [f"{number}.png" for number in range(10)]
