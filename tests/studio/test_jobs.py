"""Jobs: real processes that need no studio, whose state is read back from files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from snag.core.errors import BadConfig
from snag.studio import jobs
from snag.studio.jobs import JobState, VerbStep
from snag.studio.progress import Progress, progress_of

ROOT = Path(__file__).parents[2]
SLOW = VerbStep("sample", ("--data=drawn", "--train-good=2000"))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def until(folder: Path, wanted: Callable[[JobState], bool]) -> JobState:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if wanted(job := jobs.read(folder)):
            return job
        time.sleep(0.05)
    raise AssertionError(jobs.read(folder))


def group_of(folder: Path) -> int:
    until(folder, lambda _: (folder / jobs.AT).exists())
    return int(json.loads((folder / jobs.AT).read_text())["group"])


def test_a_chain_runs_its_verbs_in_order_and_ends_with_the_first_that_fails(tmp_path: Path) -> None:
    token = VerbStep("token", ("add", "--name=line", "--tokens=tokens.json"))
    jobs.start(tmp_path / "job", [token, VerbStep("token", ("list", "--tokens=none.json")), SLOW])

    job = until(tmp_path / "job", lambda job: not job.is_running)

    assert (job.status, job.at, job.verb) == ("failed", 1, "token")
    assert job.error.startswith("none.json: not a file of tokens")
    assert "snag_" in job.tail
    assert not (tmp_path / "drawn").exists()


def test_what_runs_is_not_started_twice_and_is_stopped_as_by_ctrl_c(tmp_path: Path) -> None:
    jobs.start(tmp_path / "job", [SLOW])

    assert jobs.read(tmp_path / "job").is_running
    with pytest.raises(BadConfig, match="sample is under way"):
        jobs.start(tmp_path / "job", [SLOW])
    group_of(tmp_path / "job")
    time.sleep(0.5)
    jobs.stop(tmp_path / "job")

    assert until(tmp_path / "job", lambda job: not job.is_running).status == "stopped"


def test_a_chain_that_is_killed_is_told_as_stopped_only_when_nothing_of_it_lives(tmp_path: Path) -> None:
    jobs.start(tmp_path / "job", [SLOW])
    group = group_of(tmp_path / "job")
    time.sleep(0.5)

    os.kill(group, signal.SIGKILL)  # the chain's own process; the verb goes on
    time.sleep(0.3)
    still = jobs.read(tmp_path / "job").status
    os.killpg(group, signal.SIGKILL)

    assert still == "running"
    assert until(tmp_path / "job", lambda job: not job.is_running).status == "stopped"


def test_a_job_outlives_whoever_started_it(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from snag.studio import jobs; "
        "jobs.start(Path('job'), [jobs.VerbStep('token', ('add', '--name=a', '--tokens=tokens.json'))]); import os; os._exit(0)"
    )

    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)

    assert until(tmp_path / "job", lambda job: not job.is_running).status == "done"


def test_where_nothing_was_started_there_is_no_job(tmp_path: Path) -> None:
    assert jobs.read(tmp_path) == JobState("none")
    jobs.stop(tmp_path)


@pytest.mark.parametrize("step", [{"flags": []}, {"verb": "train"}, {"verb": "train", "flags": 1}, "train", 1])
def test_a_job_whose_file_is_damaged_is_none(tmp_path: Path, step: object) -> None:
    (tmp_path / jobs.JOB).write_text(json.dumps({"steps": [step]}))

    assert jobs.read(tmp_path) == JobState("none")


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("train:  67%|██▋ | 40/60 [00:41<00:22,  1.13s/step, epoch=3/4]\n", Progress("train", 40, 60, "00:22")),
        (
            "train:   0%|    | 0/60 [00:00<?, ?step/s]\rtrain:  50%|█ | 30/60 [00:30<1:00:30, 1s/step]",
            Progress("train", 30, 60, "1:00:30"),
        ),
        (
            "train: 100%|██| 60/60 [00:54<00:00]\n\nremember:   0%|   | 0/117 [00:00<?, ?picture/s]",
            Progress("remember", 0, 117, ""),
        ),
        ("symmetries in which the good pictures are shown: none\n", None),
    ],
)
def test_progress_is_read_from_the_last_bar_of_the_log(tail: str, expected: Progress | None) -> None:
    assert progress_of(JobState("running", (SLOW,), tail=tail)) == expected
