"""From what the server said to what the machine shall do."""

import pytest

from snag.core.errors import BrokenPicture, Unavailable
from snag.line.decision import Decision, Judgement, decide
from snag.line.tables import FailSafeTable
from tests.support.line import BAD, GOOD

SILENT = Judgement("silent", error=Unavailable(detail="x"))


@pytest.mark.parametrize(
    ("judgement", "settings", "drifts", "so"),
    [
        (Judgement("verdict", GOOD), {}, False, Decision("pass", "verdict")),
        (Judgement("verdict", BAD), {}, False, Decision("reject", "verdict")),
        (Judgement("verdict", BAD), {}, True, Decision("reject", "verdict")),
        (Judgement("verdict", GOOD), {}, True, Decision("pass", "verdict")),
        (Judgement("verdict", GOOD), {"drifting": "reject"}, True, Decision("reject", "drifting")),
        (Judgement("verdict", GOOD), {"drifting": "stop"}, True, None),
        (Judgement("verdict", GOOD), {"drifting": "stop"}, False, Decision("pass", "verdict")),
        (SILENT, {}, False, Decision("reject", "silent")),
        (SILENT, {"silent": "pass"}, False, Decision("pass", "silent")),
        (SILENT, {"silent": "stop"}, False, None),
        (Judgement("slow"), {"silent": "stop", "slow": "pass"}, True, Decision("pass", "slow")),
        (Judgement("refused", error=BrokenPicture(detail="x")), {"silent": "pass"}, False, Decision("reject", "refused")),
    ],
)
def test_decision(judgement, settings, drifts, so):
    """A verdict decides; without one, the file does; and a picture that can't be judged never passes."""
    assert decide(judgement, FailSafeTable(**settings), drifts) == so
