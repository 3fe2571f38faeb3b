"""The long run's traffic and figures, without a server."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.live import Usage
from benchmarks.outcome import Expected, RequestOutcome, TimedAnswer
from benchmarks.prepared import RAW, Judge, grey_pictures, in_format, judge_of
from benchmarks.soak.mix import SHARES, mixed
from benchmarks.soak.plot import draw
from benchmarks.soak.trend import Soak, markdown, percentiles
from benchmarks.tables import machine, table
from benchmarks.watch import Reading, slope
from snag.core.errors import NoPictures
from tests.support.fakes import tiny_artifact
from tests.support.pictures import encode


@pytest.fixture
def judge(tmp_path):
    return Judge("bolt", "1.0", tiny_artifact(tmp_path))


def greys(*shapes):
    return [np.full(shape, 90 + 10 * index, np.uint8) for index, shape in enumerate(shapes)]


def usage(at, pid=1):
    return Usage(pid, "worker", 100 * 2**20 + at, 50 * 2**20 + at, at / 2, 5)


class TestMix:
    def test_shares(self, judge):
        """Every kind comes in its share, in an order that the seed alone decides."""
        requests = mixed(judge, greys((1024, 1024), (40, 50)), 200)

        counts = Counter(one.name for one in requests)
        assert {name: counts[name] for name in SHARES if name != "rubbish"} == {
            name: round(200 * share) for name, share in SHARES.items() if name != "rubbish"
        }
        assert len(requests) == 200
        assert requests == mixed(judge, greys((1024, 1024), (40, 50)), 200)

    def test_no_bare_bytes_of_other_shapes(self, judge):
        """A picture of another shape can't be sent as bare bytes, so that kind is left out."""
        assert in_format(RAW, judge, greys((40, 50))) == []
        assert RAW not in {one.name for one in mixed(judge, greys((40, 50)), 100)}

    def test_scores(self, judge):
        """Each picture's request expects the score of that picture, however it is sent."""
        (bright,) = greys((1024, 1024))
        found = {one.answers for form in ("PNG as body", "PNG in JSON", RAW) for one in in_format(form, judge, [bright])}

        assert len(found) == 1
        ((expected,),) = found
        assert expected.score == pytest.approx((90 / 255 - 0.5) ** 2, rel=1e-3)


def test_grey_pictures(tmp_path):
    """Pictures are found at any depth, masks left out, spread over the folder; an empty one is refused by name."""
    for name in ("a/1.png", "a/2.png", "b/3.png", "ground_truth/b/3_mask.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(encode(np.full((4, 5, 3), int(name.split("/")[-1][0]), np.uint8), "PNG"))

    assert [one.flat[0] for one in grey_pictures(tmp_path, 9)] == [1, 2, 3]
    assert [one.shape for one in grey_pictures(tmp_path, 1)] == [(4, 5)]
    with pytest.raises(NoPictures):
        grey_pictures(tmp_path / "none", 1)


SAMPLES = [TimedAnswer("PNG as body", at / 10, 0.01 + at / 1e5, RequestOutcome.RIGHT, 200) for at in range(600)]
LOOKS = [Reading(float(at), (usage(at),)) for at in range(60)]


class TestTrend:
    def test_percentiles(self):
        """Times are taken by stretches, in milliseconds."""
        found = percentiles(SAMPLES, 30.0)

        assert [begin for begin, _, _ in found] == [0.0, 30.0]
        assert found[0][1:] == pytest.approx((12.99, 12.96 + 0.01), abs=3.0)

    def test_sound(self, tmp_path):
        """All right and the same processes: sound; it can be shown and drawn."""
        soak = Soak(20.0, 10.0, 60.0, SAMPLES, LOOKS)

        assert soak.is_sound
        assert "| all | 600 | 600 | 0 | 0 | 0 |" in markdown(soak)
        assert "50%" in markdown(soak)
        draw(soak, tmp_path / "soak.svg")
        assert b"<svg" in (tmp_path / "soak.svg").read_bytes()

    @pytest.mark.parametrize(
        ("samples", "looks"),
        [
            ([*SAMPLES, TimedAnswer("rubbish, a", 1.0, 1.0, RequestOutcome.WRONG, 500)], LOOKS),
            (SAMPLES, [*LOOKS, Reading(61.0, (usage(1, pid=2),))]),
        ],
    )
    def test_not_sound(self, samples, looks):
        """One wrong answer, or one process that is another, and it is not."""
        assert not Soak(20.0, 10.0, 60.0, samples, looks).is_sound


def test_slope():
    """The rise of a line is found; a point alone does not rise."""
    assert slope([(x, 3.0 * x + 1) for x in range(9)]) == pytest.approx(3.0)
    assert slope([(1.0, 5.0)]) == 0.0


def test_table():
    """Numbers are short, what is no number is a dash."""
    assert (
        table(("a", "b"), [(1.23456, "x"), (float("nan"), 1234.5)]) == "| a | b |\n| --- | --- |\n| 1.23 | x |\n| - | 1234 |\n"
    )
    assert "cores" in machine()


def test_judge_of_an_archive(tmp_path):
    """The model inside of an archive scores here as the file does that was packed."""
    from tests.e2e.conftest import pack

    artifact, _ = pack(tmp_path, "bolt", "2.5")
    judge = judge_of(tmp_path / "store" / "bolt.mar")

    assert (judge.model, judge.version, judge.artifact.fingerprint) == ("bolt", "2.5", artifact.fingerprint)
    picture = encode(np.full((30, 30), 200, np.uint8), "PNG")
    assert judge.expected(picture) == Expected(score=judge.expected(picture).score, tolerance=1e-4, version="2.5")
