"""From what the server said to what the machine shall do."""

import pytest

from snag.core.errors import BrokenPicture, Unavailable
from snag.line.decision import Decision, Judgement, decide
from snag.line.tables import FailSafeTable
from tests.support.line import BAD, GOOD

SILENT = Judgement("silent", error=Unavailable(detail="x"))


@pytest.mark.parametrize(
    ("judgement", "settings", "doubt", "so"),
    [
        (Judgement("verdict", GOOD), {}, None, Decision("pass", "verdict")),
        (Judgement("verdict", BAD), {}, None, Decision("reject", "verdict")),
        (Judgement("verdict", BAD), {}, "drifting", Decision("reject", "verdict")),
        (Judgement("verdict", GOOD), {}, "drifting", Decision("pass", "verdict")),
        (Judgement("verdict", GOOD), {"drifting": "reject"}, "drifting", Decision("reject", "drifting")),
        (Judgement("verdict", GOOD), {"drifting": "stop"}, "drifting", None),
        (Judgement("verdict", GOOD), {"drifting": "stop"}, None, Decision("pass", "verdict")),
        (Judgement("verdict", GOOD), {"drifting": "reject"}, "unwatched", Decision("reject", "unwatched")),
        (Judgement("verdict", GOOD), {"drifting": "stop"}, "unwatched", None),
        (Judgement("verdict", GOOD), {}, "unwatched", Decision("pass", "verdict")),
        (SILENT, {}, None, Decision("reject", "silent")),
        (SILENT, {"silent": "pass"}, None, Decision("pass", "silent")),
        (SILENT, {"silent": "stop"}, None, None),
        (Judgement("slow"), {"silent": "stop", "slow": "pass"}, "drifting", Decision("pass", "slow")),
        (Judgement("refused", error=BrokenPicture(detail="x")), {"silent": "pass"}, None, Decision("reject", "refused")),
    ],
)
def test_decision(judgement, settings, doubt, so):
    """A verdict decides; without one, the file does; and a picture that can't be judged never passes."""
    assert decide(judgement, FailSafeTable(**settings), doubt) == so
