"""Golden pictures: the file, how far a score may be off, and which of the calibration pictures they are."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from snag.core.errors import ArtifactMismatch, BadArtifact, BadDataset, GoldenMismatch
from snag.core.golden import Golden, GoldenPicture, parse_golden, read_golden, tolerance_of, write_golden
from snag.core.picture import decode
from snag.core.plain_png import encode_deep
from snag.training.calibration import golden as choosing
from snag.training.calibration.golden import write_golden_pictures
from tests.support.fakes import tiny_artifact

GOLDEN = Golden("a" * 64, 0.5, (GoldenPicture("golden/0.png", 10.0), GoldenPicture("golden/1.png", 11.25)))


class TestFile:
    def test_round_trip(self, tmp_path):
        """What is written is read back, to the last digit."""
        golden = Golden("a" * 64, 0.1 + 0.2, (GoldenPicture("golden/0.png", 1 / 3),))

        write_golden(golden, tmp_path / "golden.json")

        assert golden == read_golden(tmp_path / "golden.json")

    def test_missing(self, tmp_path):
        """An archive from before there were golden pictures is told from a broken one."""
        with pytest.raises(BadArtifact, match="there are no golden pictures; run `make calibrate archive`"):
            read_golden(tmp_path / "golden.json")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "null",
            "{}",
            '{"artifact": "a", "tolerance": 1, "pictures": []}',
            '{"artifact": "a", "tolerance": NaN, "pictures": [{"name": "a", "score": 1}]}',
            '{"artifact": "a", "tolerance": -1, "pictures": [{"name": "a", "score": 1}]}',
            '{"artifact": "a", "tolerance": 1, "pictures": [{"name": "a", "score": "Infinity"}]}',
            '{"artifact": "a", "tolerance": 1, "pictures": ["a"]}',
        ],
    )
    def test_nonsense(self, text):
        """Anything else is refused in one sentence that names the file."""
        with pytest.raises(BadArtifact, match=r"^golden.json: not a list of golden pictures"):
            parse_golden(text, Path("golden.json"))

    def test_bytes_that_are_no_text(self, tmp_path):
        (tmp_path / "golden.json").write_bytes(b"\xff\xfe{}")

        with pytest.raises(BadArtifact, match="can't be read"):
            read_golden(tmp_path / "golden.json")


class TestCheck:
    @given(st.floats(-2, 2))
    def test_tolerance(self, off):
        """A score is right when it is no further off than the tolerance, in either direction."""
        score = 10.0 + off
        if abs(score - 10.0) <= 0.5:
            GOLDEN.check(GOLDEN.pictures[0], score, "here")
        else:
            with pytest.raises(GoldenMismatch, match=r"the golden picture golden/0.png scores .* here, expected 10 within 0.5"):
                GOLDEN.check(GOLDEN.pictures[0], score, "here")

    def test_no_number(self):
        """A score that is no number is never right."""
        with pytest.raises(GoldenMismatch):
            GOLDEN.check(GOLDEN.pictures[0], float("nan"), "here")

    def test_other_model(self):
        """The scores of another model are refused, and both models named."""
        GOLDEN.check_model("a" * 64, Path("golden.json"))
        with pytest.raises(ArtifactMismatch, match=r"golden.json was made for .* aaaaaaaaaaaa, but snag.pt has bbbbbbbbbbbb"):
            GOLDEN.check_model("b" * 64, Path("golden.json"))

    @given(st.lists(st.floats(0, 100, allow_subnormal=False), min_size=1, max_size=50), st.floats(0.01, 100))
    def test_it_scales_with_the_scores(self, scores, unit):
        """The tolerance is in the score's unit, whatever that is, and one wild score does not widen it."""
        tolerance = tolerance_of(sorted(scores))

        assert tolerance_of(sorted(unit * score for score in scores)) == pytest.approx(unit * tolerance, rel=1e-6, abs=1e-12)
        if len(scores) >= 8:
            assert tolerance_of([*sorted(scores)[:-1], 1e6]) <= 0.05 * 100

    def test_it_is_a_twentieth_of_the_middle_half(self):
        """Scores from 0 to 100: their middle half is about 50 wide."""
        assert tolerance_of([float(score) for score in range(101)]) == pytest.approx(0.05 * 51)

    def test_equal_scores(self):
        """Where all scores are the same, or there is one, roundings are still allowed."""
        assert tolerance_of([7.0] * 20) == tolerance_of([7.0]) == pytest.approx(7e-4)


@pytest.fixture
def artifact(tmp_path):
    return tiny_artifact(tmp_path)


@pytest.fixture
def scored(artifact, tmp_path):
    """Nine flat pictures from bright to dark with their scores: the middle one is 170."""
    scores = {}
    for grey in range(130, 220, 10):
        path = tmp_path / f"{300 - grey}.png"
        Image.fromarray(np.full((20, 30), grey, np.uint8)).save(path)
        scores[path] = artifact.score([decode(path.read_bytes())])[0].anomaly_score
    return scores


class TestChoice:
    def test_the_middle_ones_are_kept(self, artifact, scored, tmp_path):
        """Three pictures around the median score, bit by bit, with the scores that they get alone."""
        write_golden_pictures(artifact, scored, tmp_path / "run")

        golden = read_golden(tmp_path / "run" / "golden.json")
        kept = [decode((tmp_path / "run" / one.name).read_bytes()) for one in golden.pictures]
        assert {130, 170, 220} > {int(picture.max()) for picture in kept[:1]} == {170}
        assert sorted(int(picture.max()) for picture in kept) == [160, 170, 180]
        assert [one.score for one in golden.pictures] == [artifact.score([picture])[0].anomaly_score for picture in kept]
        assert (golden.artifact, golden.tolerance) == (artifact.fingerprint, tolerance_of(sorted(scored.values())))

    def test_pictures_of_an_earlier_choice_go(self, artifact, scored, tmp_path):
        """Only what the file lists lies in the folder."""
        write_golden_pictures(artifact, scored, tmp_path / "run")
        one = dict([next(iter(scored.items()))])

        write_golden_pictures(artifact, one, tmp_path / "run")

        assert [path.name for path in (tmp_path / "run" / "golden").iterdir()] == ["0.png"]
        assert len(read_golden(tmp_path / "run" / "golden.json").pictures) == 1

    @pytest.mark.parametrize(("mode", "suffix"), [("L", "png"), ("RGB", "png"), ("I;16", "png"), ("I;16", "tiff")])
    def test_lossless(self, artifact, tmp_path, mode, suffix):
        """Grey, colour and deep grey are decoded from the kept picture as from the original, bit by bit."""
        random = np.random.default_rng(0)
        pixels = random.integers(0, 65536 if mode == "I;16" else 256, (20, 30, 3)[: 3 if mode == "RGB" else 2])
        path = tmp_path / f"part.{suffix}"
        Image.fromarray(pixels.astype(np.uint16 if mode == "I;16" else np.uint8)).save(path)

        write_golden_pictures(artifact, {path: 1.0}, tmp_path / "run")

        assert torch.equal(decode(path.read_bytes()), decode((tmp_path / "run" / "golden" / "0.png").read_bytes()))

    @pytest.mark.parametrize("white", [None, 4095, 65535])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_it_keeps_the_depth(self, tmp_path, white, channels):
        """Colour of 16 bits too, and whatever white is for the model."""
        artifact = tiny_artifact(tmp_path, white=white)
        pixels = np.random.default_rng(0).integers(0, (white or 65535) + 1, (20, 30, channels), np.uint16)
        (tmp_path / "part.png").write_bytes(encode_deep(pixels))

        write_golden_pictures(artifact, {tmp_path / "part.png": 1.0}, tmp_path / "run")

        kept, whole = (path.read_bytes() for path in (tmp_path / "run" / "golden" / "0.png", tmp_path / "part.png"))
        assert torch.equal(decode(kept), decode(whole))
        assert read_golden(tmp_path / "run" / "golden.json").pictures[0].score == pytest.approx(
            artifact.score([decode(whole, artifact.limits)])[0].anomaly_score
        )

    def test_it_fits_into_a_request(self, artifact, tmp_path, monkeypatch):
        """A picture whose PNG is too large is kept smaller, with the score that it then has."""
        monkeypatch.setattr(choosing, "MOST_BYTES", 3000)
        path = tmp_path / "noise.png"
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (100, 80), dtype=np.uint8)).save(path)

        write_golden_pictures(artifact, {path: 1.0}, tmp_path / "run")

        data = (tmp_path / "run" / "golden" / "0.png").read_bytes()
        golden = read_golden(tmp_path / "run" / "golden.json")
        assert len(data) <= 3000
        assert decode(data).shape == (1, 50, 40)
        assert golden.pictures[0].score == artifact.score([decode(data)])[0].anomaly_score

    def test_what_cannot_be_judged_is_left_out(self, bolts, tmp_path):
        """A picture without a part has no score worth the name; with such pictures alone there is nothing to keep."""
        Image.fromarray(np.full((256, 256), 200, np.uint8)).save(tmp_path / "empty.png")
        name = json.loads((bolts.run / "split.json").read_text())["calibrate"][0]

        write_golden_pictures(bolts.artifact, {tmp_path / "empty.png": 1e6, bolts.data / name: 2e6}, tmp_path / "run")

        assert len(read_golden(tmp_path / "run" / "golden.json").pictures) == 1
        with pytest.raises(BadDataset, match="not one of the calibration pictures can be judged"):
            write_golden_pictures(bolts.artifact, {tmp_path / "empty.png": 1e6}, tmp_path / "run")
