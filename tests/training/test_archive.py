"""The archive: what is in it, that it is reproducible, and what it refuses."""

import hashlib
import importlib.util
import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import snag
from snag.training.archive import main
from tests.support.fakes import tiny_artifact, tiny_calibration

ROOT = Path(__file__).parents[2]


@pytest.fixture
def made(tmp_path):
    """A run folder with model, calibration and the record of the training run."""
    run = tmp_path / "run"
    run.mkdir()
    tiny_calibration(run, tiny_artifact(run))
    (run / "config.json").write_text(json.dumps({"data_digest": "d" * 64, "git_revision": "abc", "settings": {}}))
    return run


def pack(run, store, *more):
    return main(["--run", str(run), "--model", "bolt", "--version", "1.2", "--model-store", str(store), *more])


def test_members(made, tmp_path):
    """The archive holds the core whole, handler, model, calibration, golden pictures, configuration, card and manifest."""
    assert pack(made, tmp_path / "store") == 0

    with zipfile.ZipFile(tmp_path / "store" / "bolt.mar") as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("MAR-INF/MANIFEST.json"))
        paths = [ROOT / "snag/__init__.py", *(ROOT / "snag/core").glob("*.py")]
        core = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}
        own = {"snag.pt", "calibration.json", "model-card.json", "model-config.yaml", "requirements.txt", "snag_handler.py"}
        assert names == sorted({*core, *own, "golden.json", "golden/0.png", "reference.json", "MAR-INF/MANIFEST.json"})
        assert core == {name: archive.read(name) for name in core}
        assert archive.read("snag.pt") == (made / "snag.pt").read_bytes()
        assert archive.read("calibration.json") == (made / "calibration.json").read_bytes()
        assert archive.read("golden.json") == (made / "golden.json").read_bytes()
        assert archive.read("reference.json") == (made / "reference.json").read_bytes()
        assert archive.read("golden/0.png") == (made / "golden" / "0.png").read_bytes()
        assert archive.read("snag_handler.py") == (ROOT / "handler" / "snag_handler.py").read_bytes()
        assert archive.read("model-config.yaml") == (ROOT / "handler" / "model-config.yaml").read_bytes()
    assert manifest == {
        "archiverVersion": "0.12.0",
        "createdOn": "01/01/2026 00:00:00",
        "model": {
            "modelName": "bolt",
            "modelVersion": "1.2",
            "handler": "snag_handler.py",
            "serializedFile": "snag.pt",
            "configFile": "model-config.yaml",
            "requirementsFile": "requirements.txt",
        },
        "runtime": "python",
    }


def test_model_card(made, tmp_path):
    """The card tells data, versions and calibration, and the evaluation's figures once there are some."""
    fingerprint = hashlib.sha256((made / "snag.pt").read_bytes()).hexdigest()
    metrics = {"image_auroc": 0.97, "threshold": 0.039, "artifact": {"fingerprint": fingerprint}}
    (made / "report").mkdir()
    (made / "report" / "metrics.json").write_text(json.dumps(metrics))
    pack(made, tmp_path / "store")

    with zipfile.ZipFile(tmp_path / "store" / "bolt.mar") as archive:
        card = json.loads(archive.read("model-card.json"))

    assert (card["model"], card["version"], card["data_digest"], card["git_revision"]) == ("bolt", "1.2", "d" * 64, "abc")
    assert card["fingerprint"] == fingerprint
    assert card["metrics"] == metrics
    assert card["calibration"]["threshold"] == 0.039
    assert card["versions"]["snag"] == snag.__version__


def test_the_runs_own_server_settings_are_packed_where_it_has_some(made, tmp_path):
    """`snag tune` has written them; a file that is named goes before them."""
    (made / "model-config.yaml").write_text("minWorkers: 7\n")
    (tmp_path / "named.yaml").write_text("minWorkers: 8\n")
    flags = ["--run", str(made), "--model", "bolt", "--model-store", str(tmp_path)]

    for more, packed in (([], b"minWorkers: 7\n"), (["--model-config-file", str(tmp_path / "named.yaml")], b"minWorkers: 8\n")):
        assert main([*flags, *more]) == 0
        with zipfile.ZipFile(tmp_path / "bolt.mar") as held:
            assert held.read("model-config.yaml") == packed


@pytest.mark.parametrize("stale", [{"threshold": 0.041}, {"artifact": {"fingerprint": "0" * 64}}, {}])
def test_figures_of_another_model_or_threshold_stay_out_of_the_card(made, tmp_path, stale):
    """After training or calibrating anew, the old report says nothing about what is packed."""
    fingerprint = hashlib.sha256((made / "snag.pt").read_bytes()).hexdigest()
    metrics = {"threshold": 0.039, "artifact": {"fingerprint": fingerprint}} | stale if stale else {}
    (made / "report").mkdir()
    (made / "report" / "metrics.json").write_text(json.dumps(metrics))
    pack(made, tmp_path / "store")

    with zipfile.ZipFile(tmp_path / "store" / "bolt.mar") as archive:
        assert json.loads(archive.read("model-card.json"))["metrics"] is None


def test_reproducible(made, tmp_path):
    """The same inputs, packed later into another folder, give the same digest; the .sha256 is what sha256sum writes."""
    pack(made, tmp_path / "one")
    time.sleep(2.1)  # a zip's own dates have a step of two seconds
    pack(made, tmp_path / "two")

    first, second = ((tmp_path / name / "bolt.mar").read_bytes() for name in ("one", "two"))
    assert first == second
    line = f"{hashlib.sha256(first).hexdigest()}  bolt.mar\n"
    assert [line, line] == [(tmp_path / name / "bolt.mar.sha256").read_text() for name in ("one", "two")]


def test_what_packs_a_model_need_not_be_able_to_serve_it(made, tmp_path, monkeypatch):
    """Training alone brings no TorchServe: the archive asks for the rest as it does elsewhere."""
    asked = []
    for installed in (True, False):
        monkeypatch.setattr(importlib.util, "find_spec", lambda name, installed=installed: installed or None)
        assert pack(made, tmp_path / str(installed)) == 0
        with zipfile.ZipFile(tmp_path / str(installed) / "bolt.mar") as archive:
            asked.append(archive.read("requirements.txt").decode().splitlines())

    assert [line for line in asked[0] if line not in asked[1]] == ["torchserve==0.12.0"]
    assert len(asked[1]) == len(asked[0]) - 1


def test_importable_outside(made, tmp_path):
    """From the unpacked archive alone the handler scores a picture, without the checkout on the path."""
    pack(made, tmp_path / "store")
    with zipfile.ZipFile(tmp_path / "store" / "bolt.mar") as archive:
        archive.extractall(tmp_path / "unpacked")
    program = (
        "import snag_handler, snag, torch; torch.set_num_threads(1); from pathlib import Path; "
        "from snag.core.artifact import load_artifact; "
        "print(snag.__file__, load_artifact(Path('snag.pt')).score([torch.zeros(1, 9, 9)])[0].anomaly_score)"
    )

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=tmp_path / "unpacked", capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == [str(tmp_path / "unpacked" / "snag" / "__init__.py"), "0.25"]


def test_one_class():
    """TorchServe takes the only class of the handler's file; there is exactly one."""
    from ts.utils.util import list_classes_from_module

    spec = importlib.util.spec_from_file_location("snag_handler", ROOT / "handler" / "snag_handler.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert [found.__name__ for found in list_classes_from_module(module)] == ["SnagHandler"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "my bolt"], "model = 'my bolt': expected letters"),
        (["--model", "../bolt"], "model = '../bolt': expected letters"),
        (["--model", "all"], "model = 'all': `make serve` takes that for every model"),
        (["--model", "x" * 129], "beginning with a letter or digit, at most 128"),
        (["--version", "1 0"], "version = '1 0'"),
        (["--model-config-file", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_bad_settings(made, tmp_path, capsys, arguments, message):
    """An impossible name or a missing configuration is refused in one line."""
    assert pack(made, tmp_path / "store", *arguments) == 2

    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "store").exists()


def test_no_calibration(made, tmp_path, capsys):
    """Nothing is packed without calibration."""
    (made / "calibration.json").unlink()

    assert pack(made, tmp_path / "store") == 2
    assert "there is no calibration; run `make calibrate`" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_calibration_of_another_model(made, tmp_path, capsys):
    """Nothing is packed with the calibration of another model."""
    calibration = json.loads((made / "calibration.json").read_text())
    (made / "calibration.json").write_text(json.dumps({**calibration, "artifact": "e" * 64}))

    assert pack(made, tmp_path / "store") == 2
    assert "eeeeeeeeeeee" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("missing", "message"),
    [("golden.json", "there are no golden pictures; run `make calibrate archive`"), ("golden/0.png", "run `make calibrate`")],
)
def test_no_golden_pictures(made, tmp_path, capsys, missing, message):
    """Nothing is packed that no worker could check itself with."""
    (made / missing).unlink()

    assert pack(made, tmp_path / "store") == 2
    assert f"{missing}: " in (error := capsys.readouterr().err)
    assert message in error
    assert not (tmp_path / "store").exists()


def test_golden_pictures_of_another_model(made, tmp_path, capsys):
    """Nothing is packed with the golden pictures of another model."""
    golden = json.loads((made / "golden.json").read_text())
    (made / "golden.json").write_text(json.dumps({**golden, "artifact": "d" * 64}))

    assert pack(made, tmp_path / "store") == 2
    assert "dddddddddddd" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()
