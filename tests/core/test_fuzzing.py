"""The generator of odd requests, tried on the decoder and the wire alone; the server has its turn in tests/e2e/test_fuzz.py."""

import json
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz.damage import DAMAGES, cut_off, damaged
from benchmarks.fuzz.findings import InputFinding, markdown, write_findings
from benchmarks.fuzz.generate import KINDS, inputs, of_kind, one_input
from benchmarks.fuzz.pictures import PICTURES
from benchmarks.fuzz.sound import moving_pictures, sound_pictures
from benchmarks.fuzz.texts import TEXTS
from benchmarks.live import Usage
from benchmarks.outcome import BenchmarkReply, PreparedRequest, RequestOutcome, TimedAnswer, outcome_of
from snag.core.inspection import Row, RowInspector
from snag.core.picture import decode
from snag.core.serving import ServingSettings
from snag.core.telemetry import MetricsBuffer
from snag.gate.proxy.question import content_type_for_torchserve
from tests.support.fakes import tiny_artifact, tiny_calibration


@pytest.fixture(scope="module")
def inspector(tmp_path_factory):
    """Answers as a worker does, and fails where a worker would log a fault."""
    folder = tmp_path_factory.mktemp("fuzzing")
    artifact = tiny_artifact(folder)
    return RowInspector(
        artifact, tiny_calibration(folder, artifact), ServingSettings(), "bolt", "1.0", MetricsBuffer(), pytest.fail
    )


def row_of(request):
    """What a worker gets of a request that came through the gate."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    passed_on = content_type_for_torchserve(kind)
    return Row({"body": bytearray(request.body)}, passed_on, explain=request.path.startswith("/explanations"))


@settings(max_examples=300)
@given(maker=st.sampled_from([*PICTURES, *TEXTS]), seed=st.integers(0, 2**32))
def test_every_picture_and_text_is_answered_as_it_may_be(inspector, maker, seed):
    """Whatever is drawn, the answer is one of those that its kind allows, and nothing is logged as a fault."""
    request = of_kind(maker, "bolt", Random(seed))

    answer = inspector.answer([row_of(request)])[0]

    found = outcome_of(BenchmarkReply(answer.status, answer.content_type, answer.body), request.answers)
    assert found[0] is RequestOutcome.RIGHT, (request.name, answer.status, answer.body[:300])


@given(st.integers(0, 2**40))
def test_a_number_is_an_input(number):
    """The same number gives the same request, to the byte."""
    assert one_input("bolt", number) == one_input("bolt", number)


def test_every_kind_comes_first():
    """The first inputs are one of each kind, so that no run leaves one out; their paths name the model."""
    first = list(islice(inputs("bolt", 7), len(KINDS)))

    assert not [request.path for request in first if "{model}" in request.path]
    assert len({request.name for request in first}) == len(KINDS)


def test_sound_pictures_are_sound():
    """Every picture that is called sound is decoded; the moving ones have several frames."""
    assert {name for name, data in sound_pictures().items() if decode(data).numel() == 0} == set()
    assert set(moving_pictures()) == {"GIF", "APNG", "WebP", "TIFF"}


@given(st.binary(min_size=2, max_size=300), st.integers(0, 2**32))
def test_damage_is_repeatable_and_leaves_something(data, seed):
    """Damage depends on the data and the seed alone, and cutting off always takes something away."""
    assert damaged(data, Random(seed)) == damaged(data, Random(seed))
    assert 0 < len(cut_off(data, Random(seed))) < len(data)
    assert all(isinstance(damage(data, Random(seed)), bytes) for damage in DAMAGES)


def usage(pid=1, pss=100_000_000):
    return Usage(pid, "worker", pss, pss, 1.0, 5)


class TestFinding:
    RIGHT = TimedAnswer("a", 0.0, 0.1, RequestOutcome.RIGHT, 200)
    WRONG = TimedAnswer(
        "b", 0.0, 0.1, RequestOutcome.WRONG, 500, detail="oh", request=PreparedRequest("b", "/p", b"\0", {"A": "b"})
    )

    def test_sound(self):
        """All right, the same processes, and hardly more memory: sound."""
        found = InputFinding([self.RIGHT], [usage()], [usage(pss=104_000_000)])

        assert found.is_sound
        assert "1 right" in markdown(found)

    @pytest.mark.parametrize(
        "found",
        [
            InputFinding([RIGHT, WRONG], [usage()], [usage()]),
            InputFinding([RIGHT], [usage(1)], [usage(2)]),
            InputFinding([RIGHT], [usage()], [usage(pss=106_000_000)]),
        ],
    )
    def test_not_sound(self, found):
        """A wrong answer, a process of another number, or six per cent more memory is not."""
        assert not found.is_sound
        assert markdown(found)

    def test_what_was_wrong_is_kept(self, tmp_path):
        """The body and the rest of a request that was answered wrongly are written down, of others nothing."""
        write_findings([self.RIGHT, self.WRONG], tmp_path)

        assert [path.name for path in tmp_path.iterdir()] == ["0000"]
        assert (tmp_path / "0000" / "body").read_bytes() == b"\0"
        assert json.loads((tmp_path / "0000" / "request.json").read_text()) == {
            "kind": "b", "method": "POST", "path": "/p", "headers": {"A": "b"}, "end": "wrong", "status": 500, "answer": "oh",
        }  # fmt: skip
