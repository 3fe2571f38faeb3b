"""Deploying and going back, step by step, with a TorchServe and a gate that are made up."""

import asyncio
import json

import pytest

from snag.core.errors import DiskFull, ServerUnreachable, VersionRefused
from snag.server.change import ServerSession
from snag.server.deploy import DeploySettings, deploy
from snag.server.deploy import main as deploy_main
from snag.server.models import main as models_main
from snag.server.rollback import main as rollback_main
from snag.server.state.served import read_state
from snag.server.supervise.retirement import retire
from snag.server.torchserve.management import Management
from tests.support.mars import write_mar
from tests.support.registrar import registrar, serving_bolt


@pytest.fixture
def torchserve():
    with registrar() as made:
        yield made


@pytest.fixture
def server(torchserve, tmp_path):
    """A server of bolt 1.0."""
    with serving_bolt(torchserve, tmp_path, failed={}) as instance:
        torchserve.models = {"bolt": ["1.0"]}
        yield instance


@pytest.fixture
def bring(server, tmp_path):
    """Packs a version and deploys it."""

    def bring(version, **more):
        write_mar(tmp_path / "store", "bolt", version)
        words = {"model": "bolt", "model_store": tmp_path / "store", "server_folder": server.folder, "timeout": 2.0, **more}
        return deploy(DeploySettings(**words))

    return bring


def retiring(instance):
    model = read_state(instance.served)[0]
    return {(model.name, version) for version in model.retiring}


def roles(instance):
    model = read_state(instance.served)[0]
    return (model.default.version, model.previous and model.previous.version, [one.version for one in model.retiring])


def test_order(torchserve, server, bring):
    """It is the default only after its workers were ready and its golden picture scored as recorded."""
    said = bring("2.0")

    changes = [one for one in torchserve.asked if not one.startswith("GET")]
    assert changes == [
        "POST /models?url=bolt-2.0.mar&model_name=bolt&synchronous=false",
        "POST /predictions/bolt/2.0",
        "PUT /models/bolt/2.0/set-default",
    ]
    assert torchserve.headers[0]["x-snag-probe"] == "1"
    assert torchserve.headers[0]["authorization"] == "Bearer inference-key"
    assert roles(server) == ("2.0", "1.0", [])
    assert said == "bolt 2.0 answers now; 1.0 is kept; `make rollback MODEL=bolt` goes back to it"


def test_third(torchserve, server, bring):
    """What is older than the version before waits for its end; the files of all are there until then."""
    bring("2.0")
    said = bring("3.0")

    assert said.endswith("1.0 goes as soon as nothing of it is under way")
    assert roles(server) == ("3.0", "2.0", ["1.0"])
    assert torchserve.models == {"bolt": ["3.0", "2.0", "1.0"]}
    assert len(list(server.store.glob("*.mar"))) == 3


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"score": 0.5}, "the golden picture golden/0.png scores 0.5 over HTTP"),
        ({"ready": False}, "its workers were not ready after 2 s"),
        ({"refusal": "Model version 2.0 is already registered"}, "it can't be registered: .* is already registered"),
    ],
)
def test_refused(torchserve, server, bring, trouble, reason):
    """A version that does not prove itself is taken away again, its file too; nothing else has changed."""
    before = read_state(server.served)
    for name, value in trouble.items():
        setattr(torchserve, name, value)

    with pytest.raises(VersionRefused, match=f"bolt 2.0 is not deployed: {reason}.*; what was served goes on"):
        bring("2.0")

    assert torchserve.models == {"bolt": ["1.0"]}
    assert read_state(server.served) == before
    assert [path.name for path in server.store.glob("*.mar")] == ["bolt-1.0.mar"]


def test_a_worker_that_dies_says_why(torchserve, server, bring, monkeypatch):
    """The reason is what the new version's own worker wrote."""
    torchserve.ready = False
    real = torchserve._register

    def register(archive, model):
        line = "2026-01-01T00:00:00.000Z INFO  W-9003-bolt_2.0-stdout - "
        text = f"{line}Backend worker process died.\n{line}snag.core.errors.BadArtifact: snag.pt: there is no model\n"
        (server.logs / "server.log").write_text(text)
        return real(archive, model)

    monkeypatch.setattr(torchserve, "_register", register)

    with pytest.raises(VersionRefused, match=r"a worker died: snag\.pt: there is no model; what was served goes on"):
        bring("2.0")


def test_what_should_serve_is_not_taken_away(torchserve, server, bring):
    """A version that is on the list but did not come up keeps its file when deploying it fails too: it is tried again."""
    torchserve.models, torchserve.ready = {}, False

    with pytest.raises(VersionRefused, match="its workers were not ready"):
        bring("1.0")

    assert (server.store / "bolt-1.0.mar").exists()


def test_a_full_disk(torchserve, server, bring, monkeypatch):
    """A default that can't be remembered is none: the one before answers again."""

    def fail(path, models):
        raise DiskFull(path=path, detail="No space left on device")

    monkeypatch.setattr("snag.server.change.write_state", fail)

    with pytest.raises(DiskFull):
        bring("2.0")

    assert torchserve.models["bolt"][0] == "1.0"
    assert roles(server) == ("1.0", None, [])


def test_gone_meanwhile(torchserve, server, bring, monkeypatch, capsys):
    """A version before that TorchServe has lost since it was looked at is nothing to go back to: said in one line."""
    bring("2.0")
    real = ServerSession.model

    def model(running, name):
        found = real(running, name)
        torchserve.models = {"bolt": ["2.0"]}
        return found

    monkeypatch.setattr(ServerSession, "model", model)

    assert rollback_main(["--model", "bolt", "--server-folder", str(server.folder)]) == 2

    assert capsys.readouterr().err == "error: the server is not ready: bolt 1.0 has no worker; 2.0 goes on\n"


def test_left_over(torchserve, bring):
    """What a killed command has left registered is taken away and begun anew."""
    torchserve.models["bolt"].append("2.0")

    bring("2.0")

    assert [one for one in torchserve.asked if "bolt/2.0" in one or one.startswith("POST /models")][:2] == [
        "DELETE /models/bolt/2.0",
        "POST /models?url=bolt-2.0.mar&model_name=bolt&synchronous=false",
    ]


def test_what_could_not_be_loaded_is_not_kept(torchserve, server, bring):
    """A default that TorchServe does not have is nothing to go back to."""
    torchserve.models = {}

    bring("2.0")

    assert roles(server) == ("2.0", None, [])


def test_rollback(torchserve, server, bring, capsys):
    """The version before answers again, without a registration; a second time it is the other way round."""
    bring("2.0")
    torchserve.asked.clear()
    words = ["--model", "bolt", "--server-folder", str(server.folder)]

    assert rollback_main(words) == 0
    assert roles(server) == ("1.0", "2.0", [])
    assert [one for one in torchserve.asked if not one.startswith("GET")] == ["PUT /models/bolt/1.0/set-default"]
    assert rollback_main(words) == 0
    assert roles(server) == ("2.0", "1.0", [])
    torchserve.ready = False
    assert rollback_main(words) == 2
    assert "bolt 1.0 has no worker; 2.0 goes on" in capsys.readouterr().err


def test_nothing_runs(tmp_path, capsys):
    """Without a server there is nothing to change, and that is said."""
    write_mar(tmp_path / "store", "bolt")
    words = ["--model", "bolt", "--model-store", str(tmp_path / "store"), "--server-folder", str(tmp_path / "server")]

    assert deploy_main(words) == 2

    assert "it does not run" in capsys.readouterr().err


def test_torchserve_is_starting(server, bring):
    """While TorchServe is being started again nothing is changed."""
    server.keys.unlink()

    with pytest.raises(ServerUnreachable, match="it is starting"):
        bring("2.0")


class Gate:
    """One that settles when it is told to."""

    def __init__(self):
        self.is_settled = asyncio.Event()

    async def settled(self):
        await self.is_settled.wait()


def test_retirement(torchserve, server, bring):
    """A version goes when nothing is under way any more, not before; its file goes with it."""
    bring("2.0")
    bring("3.0")
    old = retiring(server)

    async def scene():
        gate = Gate()
        going = asyncio.create_task(retire(server, gate, old))
        await asyncio.sleep(0.1)
        assert torchserve.models["bolt"] == ["3.0", "2.0", "1.0"]
        gate.is_settled.set()
        await going

    asyncio.run(scene())

    assert torchserve.models == {"bolt": ["3.0", "2.0"]}
    assert roles(server) == ("3.0", "2.0", [])
    assert {path.name for path in server.store.glob("*.mar")} == {"bolt-2.0.mar", "bolt-3.0.mar"}


def test_called_back_in_time(torchserve, server, bring):
    """A version that is deployed again before it has gone stays."""
    bring("2.0")
    bring("3.0")
    old = retiring(server)
    bring("1.0")

    async def scene():
        gate = Gate()
        gate.is_settled.set()
        await retire(server, gate, old)

    asyncio.run(scene())

    assert roles(server) == ("1.0", "3.0", ["2.0"])
    assert "1.0" in torchserve.models["bolt"]


def test_models(torchserve, server, bring, capsys):
    """Each version with its role, threshold, digest and workers; as JSON or as a table; also while nothing runs."""
    bring("2.0")
    words = ["--server-folder", str(server.folder)]

    assert models_main([*words, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert models_main(words) == 0
    table = capsys.readouterr().out
    torchserve.models = {}
    assert models_main([*words, "--json"]) == 0

    assert [(row["version"], row["role"], row["threshold"], row["ready"], row["health"]) for row in rows] == [
        ("2.0", "default", 0.5, 2, "ready"),
        ("1.0", "previous", 0.5, 2, "ready"),
    ]
    assert rows[0]["digest"] != rows[1]["digest"]
    assert ("bolt" in table, "2 of 2" in table) == (True, True)
    assert [row["health"] for row in json.loads(capsys.readouterr().out)] == ["not ready", "not ready"]


def test_many_models(torchserve, server):
    """More models than TorchServe names at once are all found."""
    torchserve.page = 2
    torchserve.models = {name: ["1.0"] for name in "abcde"}

    assert Management(torchserve.upstream).models() == list("abcde")
    assert Management(torchserve.upstream).versions("f") == []
