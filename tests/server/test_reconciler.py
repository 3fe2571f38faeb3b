"""What the keeper tells the gate of what should serve, and that it does not give up what failed."""

import asyncio

import pytest

from snag.gate.upstream.versions import Wanted
from snag.server.state.served import Model, read_state, with_default, write_state
from snag.server.supervise import reconciler as module
from snag.server.supervise.bring_up import Result
from snag.server.supervise.reconciler import Reconciler
from tests.support.registrar import registrar, serving_bolt


class Gate:
    """Remembers what it was told."""

    def __init__(self):
        self.wanted = []
        self.events = []
        self.log = self

    def expect(self, wanted):
        self.wanted = wanted

    async def refresh(self):
        pass

    async def settled(self):
        pass

    def event(self, level, event, **fields):
        self.events.append(event)


@pytest.fixture
def torchserve():
    with registrar() as made:
        yield made


@pytest.fixture
def server(torchserve, tmp_path):
    """A server of bolt 1.0, and of a nut that could not be taken in."""
    with serving_bolt(torchserve, tmp_path, failed={"nut": "it is broken"}) as instance:
        yield instance


@pytest.fixture
def reconciler(server):
    made = Reconciler(server, Gate(), timeout=2.0)
    made.read()
    return made


NUT = Wanted("nut", "", "it is broken")


def test_what_should_serve(server, reconciler):
    """Every version that should serve, and why one can't; told again only when it is something else."""
    assert reconciler._gate.wanted == [Wanted("bolt", "1.0"), NUT]
    assert reconciler.read() is False

    bolt, nut = read_state(server.served)
    new = bolt.default.__class__("2.0", "bolt-2.0.mar", "f" * 64, 0.5, bolt.default.calibrated)
    write_state(server.served, [with_default(bolt, new, "2026-01-01"), nut])

    assert reconciler.read() is True
    assert reconciler._gate.wanted == [Wanted("bolt", "2.0"), Wanted("bolt", "1.0"), NUT]


def test_a_damaged_file_changes_nothing(server, reconciler):
    """What is served goes on being served when served.json can't be read."""
    server.served.write_text("{")

    assert reconciler.read() is False
    assert reconciler.models[0].name == "bolt"


def test_failures(server, reconciler):
    """A failure is told with its reason, and forgotten when the model is deployed anew."""
    asyncio.run(reconciler.note([Result("bolt", "1.0", failed="a worker died")]))
    assert reconciler._gate.wanted == [Wanted("bolt", "1.0", "a worker died"), NUT]

    bolt, nut = read_state(server.served)
    write_state(server.served, [Model(bolt.name, bolt.default, since="2026-01-01"), nut])

    assert reconciler.read() is True
    assert reconciler._gate.wanted == [Wanted("bolt", "1.0"), NUT]


@pytest.mark.parametrize("refusals", [0, 2])
def test_what_failed_is_tried_again(torchserve, reconciler, monkeypatch, refusals):
    """As often as it takes; then it answers by default again."""
    monkeypatch.setattr(module, "_SHORTEST_PAUSE", 0.05)
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 0.1)
    real, tries = torchserve._register, []

    def register(archive, model):
        tries.append(archive)
        return (507, {"message": "No space left"}) if len(tries) <= refusals else real(archive, model)

    monkeypatch.setattr(torchserve, "_register", register)

    async def scene():
        await reconciler.note([Result("bolt", "1.0", failed="No space left on device")])
        reviving = asyncio.create_task(reconciler.revive())
        async with asyncio.timeout(10):
            while reconciler._gate.wanted != [Wanted("bolt", "1.0"), NUT]:
                await asyncio.sleep(0.02)
        reviving.cancel()

    asyncio.run(scene())

    assert tries == ["bolt-1.0.mar"] * (refusals + 1)
    assert torchserve.models == {"bolt": ["1.0"]}
    assert "PUT /models/bolt/1.0/set-default" in torchserve.asked


def test_a_command_goes_first(server, reconciler, monkeypatch):
    """While a command changes what is served, what failed has to wait."""
    monkeypatch.setattr(module, "_SHORTEST_PAUSE", 0.02)

    async def scene():
        await reconciler.note([Result("bolt", "1.0", failed="a worker died")])
        with server.changing():
            reviving = asyncio.create_task(reconciler.revive())
            await asyncio.sleep(0.3)
        reviving.cancel()

    asyncio.run(scene())

    assert reconciler._gate.wanted[0].failed == "a worker died"


@pytest.mark.parametrize("trouble", ["TorchServe refuses", "served.json is damaged"])
def test_trouble_does_not_end_the_keeper(torchserve, server, reconciler, monkeypatch, trouble):
    """Whatever goes wrong while something is tried again, it is tried again later: the server's loop does not end."""
    monkeypatch.setattr(module, "_SHORTEST_PAUSE", 0.02)
    torchserve.models = {"bolt": ["1.0"]}
    monkeypatch.setattr(torchserve, "_one", lambda method, model, rest: (500, {"message": "out of order"}))

    async def scene():
        await reconciler.note([Result("bolt", "1.0", failed="a worker died")])
        if trouble == "served.json is damaged":
            server.served.write_text("{")
        reviving = asyncio.create_task(reconciler.revive())
        await asyncio.sleep(0.5)
        assert not reviving.done()
        reviving.cancel()

    asyncio.run(scene())


def test_a_server_that_ends_does_not_wait_for_what_is_tried_again(torchserve, server, monkeypatch):
    """Trying again may take minutes, and its thread holds the lock under which a next server starts."""
    monkeypatch.setattr(module, "_SHORTEST_PAUSE", 0.02)
    torchserve.ready = False
    reconciler = Reconciler(server, Gate(), timeout=30.0)
    reconciler.read()

    async def scene():
        await reconciler.note([Result("bolt", "1.0", failed="a worker died")])
        reviving = asyncio.create_task(reconciler.revive())
        async with asyncio.timeout(10):
            while not any(asked.startswith("GET /models/bolt") for asked in torchserve.asked):
                await asyncio.sleep(0.02)
        reviving.cancel()
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().shutdown_default_executor()

    asyncio.run(scene())

    with server.changing(patience=0.0):
        pass  # the lock is free
