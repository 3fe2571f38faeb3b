"""The keeper: what becomes of the server when its parts are killed, when it is told to stop, and when a model is broken."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile

import psutil
import pytest
import requests

from snag.client.client import SnagClient
from snag.gate.token import main as token
from snag.server.health import main as health
from snag.server.models import main as models
from tests.e2e.conftest import ROOT, Place, pack, within
from tests.support.mars import record

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A server of bolt, whose answers take a second and a half, and of nut, whose calibration is another model's."""
    place = Place.at(tmp_path_factory.mktemp("keeper"))
    pack(place.root, "bolt", batchSize=8, maxBatchDelay=1500)
    pack(place.root, "nut")
    path = place.root / "store" / "nut.mar"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["calibration.json"] = json.dumps({**json.loads(members["calibration.json"]), "artifact": "f" * 64}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    record(path)
    try:
        assert place.serve("--model", "all") == 0
        yield place
    finally:
        assert place.stop() == 0


def ask(place, model="bolt", **more):
    return requests.post(place.url(f"/predictions/{model}"), data=place.picture(), timeout=60, **more)


def test_one_that_fails_does_not_take_the_others_along(place, capsys):
    """It is reported, answered with 503 and a reason, and unhealthy; the other serves."""
    assert ask(place).status_code == 200
    answer = ask(place, "nut")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert "was made for the model with fingerprint ffffffffffff" in answer.json()["error"]["message"]

    assert health(place.where) == 2

    printed = capsys.readouterr()
    assert printed.out == "nut 1.0: could not be loaded\nbolt 1.0: 1 of 1 workers ready\n" or printed.out == (
        "bolt 1.0: 1 of 1 workers ready\nnut 1.0: could not be loaded\n"
    )
    assert "was made for the model with fingerprint ffffffffffff" in printed.err
    assert health([*place.where, "--live"]) == 0


def test_nobody_gets_past_the_gate(place):
    """TorchServe's own ports refuse whoever can't read its key file, which is its owner's alone."""
    note, keys = place.instance.note(), place.instance.keys

    assert requests.post(f"{note.inference}/predictions/bolt", data=place.picture(), timeout=30).status_code == 400
    assert requests.get(f"{note.management}/models", timeout=30).status_code == 400
    assert requests.post(f"{note.management}/models?url=bolt-1.0.mar", timeout=30).status_code == 400
    assert keys.stat().st_mode & 0o777 == 0o600
    expiry = json.loads(keys.read_text())["inference"]["expiration time"]
    assert int(expiry[:4]) > time.gmtime().tm_year + 50


def test_torchserve_is_started_again(place):
    """Killed with -9 under a request, it comes back with its models; the request is answered, and the restart is counted."""
    family = place.family()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask(place).status_code))
    asking.start()
    time.sleep(0.5)

    place.java().kill()

    assert within(5, lambda: requests.get(place.url("/health/ready"), timeout=5).status_code == 503)
    asking.join()
    assert answers[0] in (200, 503)
    assert within(60, lambda: ask(place).status_code == 200)
    assert [one for one in family[1:] if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    scrape = requests.get(f"http://127.0.0.1:{place.ports[2]}/metrics", timeout=5).text
    assert "\nsnag_torchserve_restarts_total 1.0\n" in scrape


def test_what_is_under_way_is_answered_before_it_stops(place):
    """SIGTERM: the request in flight gets its verdict, new ones are refused, and nothing is left running."""
    family, answers = place.family(), []
    asking = threading.Thread(target=lambda: answers.append(ask(place)))
    asking.start()
    time.sleep(0.4)

    family[0].send_signal(signal.SIGTERM)

    time.sleep(0.2)
    with pytest.raises(requests.ConnectionError):
        ask(place)
    asking.join()
    assert answers[0].status_code == 200
    gone, _ = psutil.wait_procs(family, timeout=20)
    assert len(gone) == len(family)
    assert place.instance.note() is None


def test_killed_outright(place, tmp_path, capsys):
    """Kill the keeper with -9: Java and its workers go too, and the next start finds a clean place.

    That start asks for tokens, and nobody reads what it prints.
    """
    tokens = tmp_path / "tokens.json"
    assert token(["add", "--name", "line", "--tokens", str(tokens)]) == 0
    secret = capsys.readouterr().out.strip()
    start = [sys.executable, "-m", "snag.server.serve", "--model", "bolt", *place.store, *place.where, "--tokens", str(tokens)]

    assert place.serve("--model", "bolt") == 0
    family = place.family()

    family[0].kill()

    psutil.wait_procs(family, timeout=20)
    assert [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    deaf, printing = os.pipe()
    os.close(deaf)
    assert subprocess.run(start, stdout=printing, cwd=ROOT).returncode == 0
    os.close(printing)
    assert ask(place).status_code == 401
    assert ask(place, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    client = SnagClient("bolt", place.ports[0], token=secret)
    assert client.predict(place.picture()).score is not None
    client.close()
    assert health(place.where) == 0
    assert models(place.where) == 0
