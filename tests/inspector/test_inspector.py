"""`snag.load` and `judge`: the worker's verdict in one's own program, from an archive or a run folder."""

import io
import re
import runpy
import tempfile
import warnings
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

import snag
from snag.core.errors import (
    ArtifactMismatch,
    BadArtifact,
    BadConfig,
    BrokenPicture,
    GoldenMismatch,
    PictureTooLarge,
    UnsupportedFormat,
)
from snag.core.wire import parse_verdict
from snag.training.archive import main as archive
from tests.support.fakes import tiny_artifact, tiny_calibration
from tests.support.source import ROOT
from tests.support.workers import as_json, ask, make_handler, png


@pytest.fixture
def run(tmp_path):
    """A run folder with a tiny model."""
    folder = tmp_path / "a run (of $it)'s"
    folder.mkdir()
    tiny_calibration(folder, tiny_artifact(folder))
    return folder


@pytest.fixture
def packed(run, tmp_path):
    """Its archive."""
    assert archive(["--run", str(run), "--model", "bolt", "--model-store", str(tmp_path / "store")]) == 0
    return tmp_path / "store" / "bolt.mar"


def rewritten(path, **members):
    """The archive with these members replaced; None leaves one out. Underscores of names are slashes, and two are a dot."""
    changed = {name.replace("__", ".").replace("_", "/"): data for name, data in members.items()}
    with zipfile.ZipFile(path) as file:
        kept = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for name, data in (kept | changed).items():
            if data is not None:
                file.writestr(name, data)
    return path


def encoded(array, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind)
    return buffer.getvalue()


GREY = np.random.default_rng(1).integers(0, 256, (31, 40), np.uint8)
COLOUR = np.random.default_rng(2).integers(0, 256, (31, 40, 3), np.uint8)
DEEP = np.random.default_rng(3).integers(0, 65536, (31, 40), np.uint16)


class TestVerdict:
    @pytest.mark.parametrize("pixels", [GREY, COLOUR, DEEP], ids=["grey", "colour", "16 bits"])
    def test_it_is_the_workers(self, packed, tmp_path, pixels):
        """The same bytes get the whole verdict, to the last digit, that a worker with the unpacked archive answers."""
        with zipfile.ZipFile(packed) as file:
            file.extractall(tmp_path / "worker")
        body = encoded(pixels)
        answer = ask(make_handler(tmp_path / "worker"), tmp_path / "worker", as_json(body, group="line-1"))[0][3]

        assert snag.load(packed).judge(body, group="line-1") == parse_verdict(answer)

    @pytest.mark.parametrize("pixels", [GREY, COLOUR, DEEP], ids=["grey", "colour", "16 bits"])
    def test_it_is_one_whatever_holds_the_picture(self, run, tmp_path, pixels):
        """A path, its text, bytes of three kinds, an array and a Pillow image of one picture get one verdict."""
        body = encoded(pixels)
        path = tmp_path / "a part.png"
        path.write_bytes(body)
        inspector = snag.load(run)
        forms = [path, str(path), body, bytearray(body), memoryview(body), pixels, Image.open(path), Image.fromarray(pixels)]

        verdicts = {inspector.judge(form) for form in forms}

        assert len(verdicts) == 1
        assert isinstance(verdicts.pop(), snag.Verdict)

    def test_arrays_need_not_lie_in_one_piece(self, run):
        """Strides, byte order and read-only memory do not matter."""
        inspector = snag.load(run)
        frozen = GREY.copy()
        frozen.setflags(write=False)

        assert inspector.judge(frozen) == inspector.judge(np.repeat(GREY, 2, 1)[:, ::2]) == inspector.judge(GREY)
        assert inspector.judge(DEEP.astype(">u2")) == inspector.judge(DEEP)

    def test_archive_and_run_folder_judge_alike(self, run, packed):
        """Their verdicts are one, and each says where it came from."""
        inspectors = [snag.load(run), snag.load(str(packed))]

        assert inspectors[0].judge(GREY) == inspectors[1].judge(GREY)
        assert [one.path for one in inspectors] == [run, packed]
        assert inspectors[0].calibration == inspectors[1].calibration

    def test_it_works_with_the_threads_of_a_worker_and_gives_the_others_back(self, run):
        """torch's number of threads is what it was, whatever the verdict's score was worked out with."""
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            snag.load(run).judge(GREY)
            assert torch.get_num_threads() == 2
        finally:
            torch.set_num_threads(before)


@pytest.mark.parametrize(("document", "most"), [("README.md", 10), ("docs/reference/python.md", 20)])
def test_the_example_of_a_document(document, most, run, tmp_path, monkeypatch, capsys):
    """It runs as it stands, with the files of `make demo` in place."""
    snippets = re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(), re.M | re.S)
    [example] = [text for text in snippets if "snag.load" in text]
    good = tmp_path / "data/sample/test/good"
    good.mkdir(parents=True)
    for number, shade in enumerate((130, 250)):
        (good / f"{number}.png").write_bytes(png(shade))
    assert archive(["--run", str(run), "--model", "demo", "--model-store", str(tmp_path / "model_store")]) == 0
    capsys.readouterr()
    program = tmp_path / "example.py"
    program.write_text(example)
    monkeypatch.chdir(tmp_path)

    runpy.run_path(str(program))

    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("anomalies score more than 0.039 squared grey value")
    assert [line.split()[:2] for line in lines] == [
        ["data/sample/test/good/0.png", "good"],
        ["data/sample/test/good/1.png", "anomaly"],
    ]
    assert len(example.splitlines()) <= most


class TestRefused:
    @pytest.mark.parametrize(
        ("picture", "message"),
        [
            (GREY.astype(np.float32), r"an array \[31, 40\] of float32; expected one of uint8 or uint16, \[H, W\] grey"),
            (GREY.astype(np.int64), r"an array \[31, 40\] of int64; expected"),
            (GREY > 9, r"an array \[31, 40\] of bool; expected"),
            (GREY[None], r"an array \[1, 31, 40\] of uint8; expected"),
            (np.dstack([GREY, GREY]), r"an array \[31, 40, 2\] of uint8; expected"),
            (COLOUR.astype(np.uint32), r"an array \[31, 40, 3\] of uint32; expected"),
            (GREY[:0], r"an array \[0, 40\] of uint8; expected"),
            (7, "an object of type int; expected one of a path, an encoded picture's bytes, a NumPy array, a Pillow image"),
            (b"This is no picture.", "19 bytes of no known format; expected one of PNG"),
            (Image.fromarray(GREY.astype(np.float32)), "its pixels are signed, of 32 bits or in Lab; expected"),
        ],
        ids=["float32", "int64", "bool", "1 x H x W", "two channels", "32 bits", "empty", "int", "text", "float picture"],
    )
    def test_what_is_no_picture(self, run, picture, message):
        """The sentence says what it is and what would have been one."""
        with pytest.raises(UnsupportedFormat, match=message):
            snag.load(run).judge(picture)

    def test_a_file_that_is_missing_or_damaged(self, run, tmp_path):
        """So does that of a file, which may be opened already."""
        (tmp_path / "cut.png").write_bytes(encoded(COLOUR)[:400])
        inspector = snag.load(run)

        with pytest.raises(BrokenPicture, match=r"missing\.png can't be read \(No such file or directory\)"):
            inspector.judge(tmp_path / "missing.png")
        with Image.open(tmp_path / "cut.png") as opened:
            for form in (tmp_path / "cut.png", opened):
                with pytest.raises(BrokenPicture, match="can't be decoded"):
                    inspector.judge(form)

    def test_the_servers_limits_hold(self, packed):
        """The archive's own settings say how many pixels a picture may have, an array's too."""
        rewritten(packed, **{"model-config__yaml": b"handler: {max_pixels: 1000}"})
        inspector = snag.load(packed)

        for form in (GREY, encoded(GREY), Image.fromarray(GREY)):
            with pytest.raises(PictureTooLarge, match="40 x 31 pixels; at most 1000"):
                inspector.judge(form)


class TestLoad:
    def test_nothing_is_left_behind(self, packed, tmp_path, monkeypatch):
        """The folder into which an archive is unpacked is gone, also where loading failed."""
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))

        snag.load(packed)
        assert list(temporary.iterdir()) == []
        with pytest.raises(BadArtifact):
            snag.load(rewritten(packed, snag__pt=b"no model"))
        assert list(temporary.iterdir()) == []

    def test_errors_name_the_archive(self, packed):
        """Not the folder, which is gone when the error is read."""
        with pytest.raises(BadArtifact, match=rf"^{packed}/snag\.pt: not a Snag model, or damaged$"):
            snag.load(rewritten(packed, snag__pt=b"no model"))

    @pytest.mark.parametrize("path", ["missing.mar", "text.mar", "empty"])
    def test_what_is_neither(self, tmp_path, path):
        """A missing file, one that is no archive, a folder without a model."""
        (tmp_path / "text.mar").write_text("no archive")
        (tmp_path / "empty").mkdir()

        with pytest.raises(BadArtifact, match=f"{path}.*: (there is no such file|not an archive|there is no model)"):
            snag.load(tmp_path / path)

    def test_parts_of_two_models(self, run, packed, tmp_path):
        """Model and calibration must belong together, as for a server."""
        other = tmp_path / "other"
        other.mkdir()
        torch.manual_seed(3)
        artifact = tiny_artifact(other)
        other_calibration = tiny_calibration(other, artifact)
        text = (other / "calibration.json").read_text().replace(other_calibration.artifact, "b" * 64)

        with pytest.raises(ArtifactMismatch, match=f"{packed}/calibration.json was made for the model with fingerprint bbbb"):
            snag.load(rewritten(packed, calibration__json=text.encode()))

    def test_another_score_of_a_golden_picture(self, packed):
        """It is proven as a worker proves it, before anybody is judged."""
        with pytest.raises(GoldenMismatch, match=r"golden/0\.png"):
            snag.load(rewritten(packed, **{"golden_0__png": encoded(np.full((24, 32), 250, np.uint8))}))

    def test_the_same_code_gives_no_warning_and_other_code_one(self, packed):
        """Where the archive's scoring code is not the installed one, the files that differ are named."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            snag.load(packed)

        rewritten(packed, **{"snag_core_imaging__py": b"# another", "snag_core_legend__py": None})
        with pytest.warns(UserWarning, match=r"bolt\.mar carries another version .*imaging\.py, legend\.py\): a server runs"):
            snag.load(packed)

    def test_an_older_snags(self, packed):
        """An archive whose code lies where it lay before is named as such, in one sentence."""
        with pytest.raises(BadArtifact, match=r"bolt\.mar: packed by an older Snag; train and pack it again: `make train"):
            snag.load(rewritten(packed, **{"snag_artifact__py": b""}))

    def test_settings_that_no_worker_would_take(self, packed):
        """An unknown setting of the server is refused here too."""
        with pytest.raises(BadConfig, match=r"unknown setting 'handler\.speed'"):
            snag.load(rewritten(packed, **{"model-config__yaml": b"handler: {speed: 9}"}))

    def test_a_grey_value_of_the_fake(self, run):
        """The judge is awake: a bright picture is an anomaly, mid-grey is none."""
        inspector = snag.load(run)

        assert [inspector.judge(bytes(png(shade))).is_anomaly for shade in (130, 250)] == [False, True]
