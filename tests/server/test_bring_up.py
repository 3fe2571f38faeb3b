"""Bringing versions up on a TorchServe that was just started: errors at first, and what is to be served by then."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from snag.core.errors import BadArtifact
from snag.server.state.launch import read_launch
from snag.server.state.served import Model, read_state, write_state
from snag.server.supervise import bring_up
from snag.server.supervise.bring_up import Result
from snag.server.supervise.supervisor import Supervisor
from snag.server.torchserve.log import ServerLog
from tests.support.registrar import registrar, serving_bolt


@pytest.fixture
def torchserve():
    with registrar() as made:
        yield made


@pytest.fixture
def server(torchserve, tmp_path):
    """A server of bolt 1.0, whose TorchServe has no model yet."""
    with serving_bolt(torchserve, tmp_path, failed={}) as instance:
        yield instance


@pytest.fixture
def up(torchserve, server):
    """Brings up what the server serves; the results."""

    def up():
        started = SimpleNamespace(upstream=lambda: torchserve.upstream, log=ServerLog(server.logs))
        return bring_up.bring_up(started, read_state(server.served), server.store, lambda: True, 5.0, lambda upstream: None)

    return up


def test_it_comes_up(torchserve, up):
    """Every version is registered, and there once its workers are ready."""
    assert up() == [Result("bolt", "1.0", workers=2)]
    assert torchserve.models == {"bolt": ["1.0"]}


def test_errors_at_first(torchserve, up, monkeypatch):
    """A TorchServe that answers with an error while it starts is asked again."""
    real, left = torchserve._list, [1, 2]
    monkeypatch.setattr(torchserve, "_list", lambda start: (500, {"message": "x"}) if left and left.pop() else real(start))

    assert up() == [Result("bolt", "1.0", workers=2)]


def test_an_archive_that_can_not_be_read(torchserve, up, monkeypatch):
    """It costs its own version, not the server."""

    def fail(*_):
        raise BadArtifact(path="bolt-1.0.mar", detail="Input/output error")

    monkeypatch.setattr(bring_up, "check_over_http", fail)

    assert up() == [Result("bolt", "1.0", failed="bolt-1.0.mar: Input/output error")]
    assert torchserve.models == {}


def test_what_was_changed_at_the_last_moment(server):
    """TorchServe that is started again gets what is to be served now, not what the keeper knew when it ended."""

    class Gate:
        log = SimpleNamespace(event=lambda *_, **__: None)

        def expect(self, wanted):
            pass

        async def refresh(self):
            pass

    loaded = []
    started = SimpleNamespace(started=time.monotonic())
    keeper = Supervisor(server, read_launch(server.launch), Gate(), started, False, lambda report: None)
    keeper._load = lambda torchserve, models, loop: loaded.append(models) or [Result("bolt", "1.0")]
    keeper._reconciler.read()
    (bolt,) = read_state(server.served)
    write_state(server.served, [bolt, Model("nut", bolt.default)])

    asyncio.run(keeper._bring_up())

    assert [model.name for model in loaded[0]] == ["bolt", "nut"]
