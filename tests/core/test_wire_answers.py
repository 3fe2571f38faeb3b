"""What goes back over the wire: verdicts and errors as JSON, and what a client makes of them."""

import json
import string
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core.errors import InternalError, PictureTooLarge, gate_errors, request_errors
from snag.core.verdict import Verdict
from snag.core.wire import error_json, parse_error, parse_verdict, verdict_json
from tests.conftest import ROOT


class TestAnswers:
    @given(
        numbers=st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 4),
        is_anomaly=st.booleans(),
        reason=st.none() | st.just("not_aligned"),
        group=st.none() | st.just("camera-2"),
    )
    def test_round_trip(self, numbers, is_anomaly, reason, group):
        """A verdict survives JSON to the last bit."""
        verdict = Verdict(is_anomaly, *numbers, reason, group, group)

        answer = json.loads(json.dumps(verdict_json(verdict, "screw", "1.0"), allow_nan=False))

        assert verdict == parse_verdict(answer)

    @pytest.mark.parametrize(
        "more",
        [{}, {"reason": "not_aligned"}, {"group": "camera-2", "threshold_of": "pooled", "promised": False}],
    )
    def test_object(self, more):
        """The answer has these keys in this order; a reason only where there is one, a group only where one was named."""
        answer = verdict_json(Verdict(True, 2.5, 2.0, 0.25, 0.125, **more), "screw", "1.0")

        expected = {
            "Anomaly": True,
            "score": 2.5,
            "threshold": 2.0,
            "p_value": 0.25,
            "reconstruction_error": 0.125,
            "model": "screw",
            "version": "1.0",
            **more,
        }
        assert list(expected.items()) == list(answer.items())

    def test_plain_values(self):
        """Numbers of NumPy come out as plain ones: TorchServe fails a whole batch for one that is not."""
        verdict = Verdict(np.bool_(True), np.float32(0.5), np.float64(0.25), np.float64(1), np.float32(0), None)  # type: ignore[arg-type]

        assert [bool, float, float, float, float, str, str] == [type(v) for v in verdict_json(verdict, "m", "1").values()]

    @pytest.mark.parametrize("kind", [*request_errors(), *gate_errors()])
    def test_errors(self, kind):
        """An error is one object of code and message, and comes back as the same class with the same sentence."""
        fields = {name: 7 for _, name, _, _ in string.Formatter().parse(kind.message) if name}
        error = kind(**fields)

        answer = json.loads(json.dumps(error_json(error)))

        assert {"error": {"code": kind.code, "message": str(error)}} == answer
        back = parse_error(answer)
        assert (type(back), str(back), back.status) == (kind, str(error), error.status)

    def test_unknown_code(self):
        """A code from a newer server is an internal error with that server's words."""
        back = parse_error({"error": {"code": "too_new", "message": "words"}})

        assert (InternalError, "words") == (type(back), str(back))

    @pytest.mark.parametrize("answer", [{}, {"code": 503, "message": "x"}, {"error": "x"}, {"error": {"code": "x"}}])
    def test_other_answers(self, answer):
        """TorchServe's own errors and anything else are neither verdict nor error."""
        with pytest.raises(KeyError):
            parse_error(answer)
        with pytest.raises(KeyError):
            parse_verdict(answer)


@pytest.mark.parametrize(
    "module", ["snag.core.wire", "snag.core.verdict", "snag.core.errors", "snag.core.files", "snag.cli.settings"]
)
def test_light(module):
    """What a client imports loads neither torch nor NumPy nor Pillow."""
    code = f"import sys, {module}; print(sorted({{'torch', 'numpy', 'PIL'}} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=True).stdout == b"[]\n"


def test_details_are_kept_apart():
    """Numbers in an error stay numbers, so that a caller can use them."""
    error = PictureTooLarge(width=9, height=8, limit=7, max_side=6)

    assert error.details == {"width": 9, "height": 8, "limit": 7, "max_side": 6}
