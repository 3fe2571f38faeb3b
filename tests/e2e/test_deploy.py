"""New versions of a model come into the running server, go back and go away, and no client notices."""

import json
import threading
import zipfile

import pytest
import requests

from benchmarks.outcome import Expected, PreparedRequest, RequestOutcome
from benchmarks.traffic import Background, Load, LoadTarget
from snag.server.deploy import main as deploy
from snag.server.health import main as health
from snag.server.models import main as models
from snag.server.rollback import main as rollback
from tests.e2e.conftest import Place, pack, within
from tests.support.mars import record

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A server of bolt 1.0, which the tests of this file take from version to version."""
    place = Place.at(tmp_path_factory.mktemp("deploy"))
    pack(place.root, "bolt", "1.0")
    try:
        assert place.serve("--model", "bolt") == 0
        yield place
    finally:
        assert place.stop() == 0


def listed(place, capsys):
    """{(model, version): role} as `models --json` says."""
    capsys.readouterr()
    assert models([*place.where, "--json"]) == 0
    return {(row["model"], row["version"]): row["role"] for row in json.loads(capsys.readouterr().out)}


def answering(place, model="bolt", version=""):
    answer = requests.post(place.url(f"/predictions/{model}{version}"), data=place.picture(), timeout=30)
    return answer.json().get("version", answer.status_code)


def altered(place, model, change):
    """The archive of the store with a JSON member changed, packed as if it had been so."""
    path = place.root / "store" / f"{model}.mar"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    record(path)


def test_no_request_fails(place, capsys):
    """Under load: a new version, back again, two more; every request is answered rightly by a version that was there."""
    versions = tuple(Expected(version=version) for version in ("1.0", "2.0", "3.0"))
    requests_ = [PreparedRequest("bolt", "/predictions/bolt", place.picture(), {"Content-Type": "image/png"}, versions)]
    done = [*place.where, *place.store, "--model", "bolt"]
    with Background(LoadTarget(place.url("")), requests_, Load(clients=2)) as load:
        pack(place.root, "bolt", "2.0")
        assert deploy([*done, "--version", "2.0"]) == 0
        assert answering(place) == "2.0"
        assert listed(place, capsys) == {("bolt", "2.0"): "default", ("bolt", "1.0"): "previous"}

        assert rollback([*place.where, "--model", "bolt"]) == 0
        assert answering(place) == "1.0"
        assert listed(place, capsys) == {("bolt", "1.0"): "default", ("bolt", "2.0"): "previous"}

        pack(place.root, "bolt", "3.0")
        assert deploy(done) == 0
        assert answering(place) == "3.0"
        assert within(10, lambda: listed(place, capsys) == {("bolt", "3.0"): "default", ("bolt", "1.0"): "previous"})

    assert {sample.outcome for sample in load.samples} == {RequestOutcome.RIGHT}
    assert {sample.matched for sample in load.samples} == {0, 1, 2}
    assert [answering(place, version=f"/{one}") for one in ("1.0", "2.0", "3.0")] == ["1.0", 404, "3.0"]
    assert {path.name for path in place.instance.store.glob("*.mar")} == {"bolt-1.0.mar", "bolt-3.0.mar"}
    assert health(place.where) == 0


def test_the_same_again(place, capsys):
    """What answers already is left alone; a version that is kept is called back without loading anything."""
    done = [*place.where, *place.store, "--model", "bolt"]

    assert deploy(done) == 0
    assert "answers already" in capsys.readouterr().out
    family = place.family()
    assert rollback([*place.where, "--model", "bolt"]) == 0
    assert deploy(done) == 0

    assert answering(place) == "3.0"
    assert place.family() == family


REFUSED = {
    "of another digest": (
        lambda members: members.update({"model-card.json": b"{}"}),
        "this version is served already, from another archive; pack this one under a new VERSION",
    ),
    "with other scores": (
        lambda members: members.update(
            {"golden.json": json.dumps({**json.loads(members["golden.json"]), "tolerance": -0.0, "pictures": [
                {**one, "score": one["score"] + 1} for one in json.loads(members["golden.json"])["pictures"]
            ]}).encode()}
        ),
        "the golden picture golden/0.png",
    ),
    "without a calibration": (lambda members: members.pop("calibration.json"), "calibration.json is not in it"),
}  # fmt: skip


@pytest.mark.parametrize("trouble", REFUSED)
def test_refused(place, capsys, trouble):
    """What can't be told from another version, or does not score as recorded, is not taken; what was served goes on."""
    change, reason = REFUSED[trouble]
    pack(place.root, "bolt", "3.0" if "digest" in trouble else "4.0")
    altered(place, "bolt", change)
    before = listed(place, capsys)

    assert deploy([*place.where, *place.store, "--model", "bolt"]) == 2

    assert reason in capsys.readouterr().err
    assert listed(place, capsys) == before
    assert (answering(place), answering(place, version="/4.0")) == ("3.0", 404)
    assert not (place.instance.store / "bolt-4.0.mar").exists()
    assert health(place.where) == 0


def test_wrong_version(place, capsys):
    """The archive must hold the version that was asked for."""
    pack(place.root, "bolt", "4.0")

    assert deploy([*place.where, *place.store, "--model", "bolt", "--version", "5.0"]) == 2

    assert "bolt.mar holds version 4.0; `make archive VERSION=5.0` packs it" in capsys.readouterr().err


def test_another_model(place, capsys):
    """A model that was not there before comes in the same way; there is nothing to go back to."""
    pack(place.root, "nut", "1.0")

    assert deploy([*place.where, *place.store, "--model", "nut"]) == 0
    assert rollback([*place.where, "--model", "nut"]) == 2

    assert "there is no version of it to go back to" in capsys.readouterr().err
    assert [answering(place), answering(place, "nut")] == ["3.0", "1.0"]


def test_two_at_once(place):
    """Two that change the same server do so one after the other."""
    codes = []
    back = threading.Thread(target=lambda: codes.append(rollback([*place.where, "--model", "bolt"])))
    back.start()
    codes.append(rollback([*place.where, "--model", "bolt"]))
    back.join()

    assert codes == [0, 0]
    assert answering(place) == "3.0"


def test_it_goes_on_as_it_was_left(place, capsys):
    """Stopped after a rollback and started again with the same archives, it answers with the version before."""
    pack(place.root, "bolt", "3.0")
    assert rollback([*place.where, "--model", "bolt"]) == 0
    before = listed(place, capsys)

    assert place.stop() == 0
    assert place.serve("--model", "bolt,nut") == 0

    assert "bolt 3.0 is kept, for going back" in capsys.readouterr().out
    assert (answering(place), listed(place, capsys)) == ("1.0", before)
