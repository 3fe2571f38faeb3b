"""A TorchServe that ends, one that hangs and one that is only slow."""

import asyncio
import subprocess
import sys
import time
from itertools import chain, repeat
from pathlib import Path

import pytest

from snag.gate.upstream.address import Upstream
from snag.server.supervise.watchdog import until_it_ends
from snag.server.torchserve.log import ServerLog
from snag.server.torchserve.process import TorchServe


@pytest.fixture
def torchserve(tmp_path):
    """A process in place of Java."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield TorchServe(process, tmp_path, Upstream("", "", ""), Path("none"), ServerLog(tmp_path), time.monotonic())
        process.kill()


def watch(torchserve, answers, seconds=5.0):
    """How often it was said to hang, until it ended or for so many seconds."""
    said, answer = [], chain(answers, repeat(True))

    async def ask(_):
        return next(answer)

    async def run():
        async with asyncio.timeout(seconds):
            await until_it_ends(torchserve, lambda: said.append(1), every=0.02, look=0.01, answers=ask)

    try:
        asyncio.run(run())
    except TimeoutError:
        assert torchserve.is_running()
    return len(said)


def test_it_ends(torchserve):
    """When Java has ended, that is known at once."""
    torchserve.process.kill()

    assert watch(torchserve, []) == 0
    assert not torchserve.is_running()


def test_it_hangs(torchserve):
    """After three questions without an answer it is killed."""
    assert watch(torchserve, [True, False, False, False]) == 1
    assert not torchserve.is_running()


def test_it_is_slow(torchserve):
    """One that misses some is left alone."""
    assert watch(torchserve, [False, False, True] * 5, seconds=1.0) == 0


def test_it_never_answered(torchserve):
    """One that hangs before it has written its keys is ended too: it was given its time to come up before."""

    async def run():
        async with asyncio.timeout(5):
            await until_it_ends(torchserve, lambda: None, every=0.02, look=0.01)

    asyncio.run(run())

    assert not torchserve.is_running()
