"""Training on two processes: the loss curve of one, each picture in one share, and going on after one process was killed."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snag.core.artifact import load_artifact
from snag.core.errors import BadConfig
from snag.training import train
from snag.training.learner import Learner
from snag.training.modes import MODES
from snag.training.run.checkpoint import load_checkpoint
from snag.training.run.hardware import Hardware
from snag.training.run.process_group import FRESH, ProcessGroup, launch_command
from snag.training.settings import settle
from tests.support.parts import write_data_set

ROOT = Path(__file__).parents[3]
SMALL = [
    *(
        "--preset",
        "quick",
        "--no-features",
        "--pixels",
        "4096",
        "--base-channels",
        "8",
        "--bottleneck",
        "16",
        "--weight-channels",
        "8",
        "--precision",
        "float32",
    ),
    *("--standardise-share", "0.2", "--calibrate-share", "0.3", "--epochs", "6", "--batch-size", "5"),
    *("--learning-rate", "0.001"),
]
#: Sums in another order round differently, and training amplifies that from step to step: the less, the shorter they are.
TOLERANCE = 0.002


def two(words: Sequence[str]) -> subprocess.Popen[str]:
    """Start the command that trains with two processes."""
    return start([sys.executable, "-m", "snag.training.train", *words, "--nproc", "2"])


def start(line: Sequence[str], **env: str) -> subprocess.Popen[str]:
    """Start a command; threads are few, since the machine's cores are."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        line, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"} | env, stdout=pipe, stderr=pipe, text=True
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data_set(tmp_path_factory.mktemp("data") / "bolt", 40, (128, 128))


@pytest.fixture(scope="module")
def alone(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    """The loss curve of one process."""
    run = tmp_path_factory.mktemp("alone")
    assert train.main(["--data", str(data), "--run", str(run), *SMALL]) == 0
    return history(run)


def history(run: Path) -> dict[str, list[float]]:
    state = load_checkpoint(run / "checkpoint.pt")
    assert state is not None
    return state["history"]


class TestShares:
    @given(count=st.integers(1, 40), size=st.integers(1, 6))
    def test_partition(self, count, size):
        """Each row is in one share, shares weigh as much as they hold; a batch that is too small is everybody's."""
        batch = torch.arange(count)
        shares = [ProcessGroup(rank, size).share(batch) for rank in range(size)]

        assert sum(weight for _, weight in shares) == pytest.approx(1)
        if count >= size:
            assert torch.cat([rows for (rows,), _ in shares]).equal(batch)
            assert all(weight == len(rows) / count for (rows,), weight in shares)
        else:
            assert all(rows.equal(batch) for (rows,), _ in shares)

    def test_alone(self):
        """Without others nothing is changed: the weight is exactly one, and normalisation is torch's own."""
        norm = torch.nn.BatchNorm2d(3)
        ProcessGroup().normalise_together(norm)

        assert ProcessGroup().share(torch.zeros(5))[1] == 1.0
        assert type(norm) is torch.nn.BatchNorm2d
        assert ProcessGroup().sum({"loss": 0.1}) == {"loss": 0.1}


class TestStart:
    def test_alone_and_inside_of_a_team_nothing_is_started(self, monkeypatch):
        """One process is the command itself, and a process of a team does not start another team."""
        assert launch_command(1, 1, None, []) is None
        monkeypatch.setenv("WORLD_SIZE", "2")
        assert launch_command(2, 1, None, []) is None

    def test_words_stay(self, monkeypatch):
        """On one machine nothing is asked of others; on several all meet at one place, with the same words."""
        monkeypatch.delenv("WORLD_SIZE", raising=False)
        one, two = launch_command(4, 1, None, ["--seed", "1"]), launch_command(1, 2, "first:29500", ["--seed", "1"])

        assert one is not None
        assert one[-5:] == ["-m", "--", "snag.training.train", "--seed", "1"]
        assert "--standalone" in one
        assert one[one.index("--nproc-per-node") + 1] == "4"
        assert two is not None
        assert "--standalone" not in two
        assert [two[two.index(flag) + 1] for flag in ("--nnodes", "--rdzv-endpoint")] == ["2", "first:29500"]

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["--nproc", "0"], "nproc = '0': input should be greater than or equal to 1"),
            (["--nproc", "abc"], "nproc = 'abc': input should be a valid integer"),
            (["--nproc", "3", "--hosts", "2", "--rendezvous", "a:1", "--batch-size", "5"], "expected at most 5 in all"),
            (["--hosts", "2"], "expected both for several machines, neither for one"),
            (["--rendezvous", "first:29500"], "expected both for several machines, neither for one"),
            (["--hosts", "2", "--rendezvous", "first"], "rendezvous = 'first': expected host:port"),
            (["--nproc", "2", "--data", "nowhere"], "no pictures in nowhere/train/good"),
        ],
    )
    def test_nonsense(self, words, sentence, monkeypatch, capsys):
        """What no team can be made of is refused in one line before any process is started."""
        monkeypatch.delenv("WORLD_SIZE", raising=False)
        monkeypatch.setattr(os, "execve", lambda *_: pytest.fail("started"))

        assert train.main(words) == 2
        assert sentence in capsys.readouterr().err

    def test_strangers(self, monkeypatch):
        """A process with other pictures or settings than the first one is refused: they would not train one model."""
        monkeypatch.setattr(ProcessGroup, "broadcast", lambda self, decide: "what the first one has")

        ProcessGroup(1, 2).assert_same("what the first one has")
        with pytest.raises(BadConfig, match="process 1 of 2 has other settings, pictures or lots"):
            ProcessGroup(1, 2).assert_same("another")


@pytest.mark.parametrize("rank", [0, 1])
def test_the_learner_takes_its_share(rank: int) -> None:
    """A step looks at this process's rows alone, and adds up gradients and losses: or two would train a model each."""
    asked: list[str] = []

    class Seen(ProcessGroup):
        def normalise_together(self, module):
            asked.append("norm")

        def add_gradients(self, module):
            asked.append("gradients")

        def sum(self, values):
            asked.append("sum")
            return values

    settings = settle(train.train_settings([*SMALL, "--data", "none"]), MODES["full_frame"], 1)
    learner = Learner(settings, 1, Hardware(torch.device("cpu"), half=False), Seen(rank, 2))
    batch = torch.rand(5, 1, 32, 32)
    unseen = batch.clone()
    unseen[3 * (1 - rank) : 3 * (1 - rank) + (2 if rank == 0 else 3)] = float("nan")  # the other's rows

    losses = learner.step(unseen, unseen, torch.zeros(5, 32, 32), 1e-3)

    assert all(math.isfinite(loss) for loss in losses.values())
    assert asked == ["norm", "sum", "gradients", "sum"]


def test_two_processes_make_the_step_of_one() -> None:
    """Outputs, gradients and running statistics of a shared batch are those of the whole, but for rounding."""
    team = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "-m", "--", "tests.support.team_check"]
    said, complaint = (running := start([sys.executable, *team])).communicate(timeout=300)
    assert running.returncode == 0, complaint

    found = json.loads(said)

    assert found.pop("team") == 2
    assert all(difference < 1e-5 for difference in found.values()), found


def test_the_loss_curve_is_that_of_one_process(data: Path, alone: dict[str, list[float]], tmp_path: Path) -> None:
    """The command's own two processes, with the same whole batch, learn alike, and one of them writes the artefact."""
    words = ["--data", str(data), "--run", str(tmp_path), *SMALL]
    said, complaint = (running := two(words)).communicate(timeout=500)
    assert running.returncode == 0, complaint

    together = history(tmp_path)

    assert set(together) == set(alone)
    for name, losses in alone.items():
        assert together[name] == pytest.approx(losses, rel=TOLERANCE), name
    assert load_artifact(tmp_path / "snag.pt").settings["last_loss"] == {name: losses[-1] for name, losses in together.items()}
    assert said.count("trained: ") == 1
    assert train.main(words) == 0  # it is the run that one process would have made: nothing is left to do
    assert history(tmp_path) == together


@pytest.mark.slow
def test_training_goes_on_after_a_process_was_killed(data: Path, alone: dict[str, list[float]], tmp_path: Path) -> None:
    """torchrun starts all of them again, they go on from the checkpoint, and the curve is as if nothing had been."""
    running = two(["--data", str(data), "--run", str(tmp_path), *SMALL])
    deadline = time.monotonic() + 300
    while not (tmp_path / "checkpoint.pt").exists():
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.02)
    workers = [one for one in psutil.Process(running.pid).children() if "snag.training.train" in " ".join(one.cmdline())]
    os.kill(workers[-1].pid, signal.SIGKILL)
    _, complaint = running.communicate(timeout=500)

    assert running.returncode == 0, complaint
    assert (tmp_path / "snag.pt").exists()
    begun = re.findall(r"train: +\d+%\|[^|]*\| (\d+)/24 \[00:00<\?", complaint)  # each process's bar, as it appears
    assert begun[:2] == ["0", "0"]
    assert begun[2:]
    assert "0" not in begun[2:]
    for name, losses in history(tmp_path).items():
        assert losses == pytest.approx(alone[name], rel=TOLERANCE), name


@pytest.mark.slow
class TestTwoHosts:
    @pytest.fixture
    def hosts(self) -> Iterator[tuple[str, str]]:
        """Two network namespaces with a cable between them: each sees the other under an address, and nothing else."""
        names = tuple(f"snag{os.getpid()}{end}" for end in "ab")
        steps = [
            *(f"netns add {name}" for name in names),
            f"link add {names[0]} netns {names[0]} type veth peer name {names[1]} netns {names[1]}",
            *(f"-n {name} addr add 10.213.7.{number}/24 dev {name}" for number, name in enumerate(names, 1)),
            *(f"-n {name} link set {device} up" for name in names for device in (name, "lo")),
        ]
        try:
            for step in steps:
                done = subprocess.run(["ip", *step.split()], capture_output=True, text=True, check=False)
                if done.returncode:
                    pytest.skip(f"needs network namespaces: {done.stderr.strip()}")
            yield names
        except FileNotFoundError:
            pytest.skip("needs ip, of Debian's iproute2")
        finally:
            for name in names:
                subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)

    def test_the_loss_curve_is_that_of_one_process(
        self, hosts, data: Path, alone: dict[str, list[float]], tmp_path: Path
    ) -> None:
        """Two hosts meet at an address of the first, and train as one; the first writes the artefact."""
        meet = ["--nnodes", "2", "--rdzv-backend", "c10d", "--rdzv-endpoint", "10.213.7.1:29500", "--rdzv-id", "snag"]
        line = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--nproc-per-node",
            "1",
            *meet,
            "-m",
            "--",
            "snag.training.train",
        ]
        line += ["--data", str(data), "--run", str(tmp_path), *SMALL]
        running = []
        for number, host in enumerate(hosts, 1):
            # A namespace's address is not that of the machine's name, by which torchrun would know that the meeting is here.
            here = ["--local-addr", f"10.213.7.{number}", "--rdzv-conf", f"is_host={number == 1}"]
            command = ["ip", "netns", "exec", host, *line[:3], *here, *line[3:]]
            running.append(start(command, GLOO_SOCKET_IFNAME=host, **FRESH))
        complaints = [one.communicate(timeout=500)[1] for one in running]

        assert [one.returncode for one in running] == [0, 0], complaints
        for name, losses in history(tmp_path).items():
            assert losses == pytest.approx(alone[name], rel=TOLERANCE), name
        assert (tmp_path / "snag.pt").exists()
