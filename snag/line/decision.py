"""From what the server said, or did not say, to what the machine shall do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from snag.core.errors import SnagError
from snag.core.verdict import Verdict
from snag.line.tables import FailSafeTable

PASS: Final = "pass"  # noqa: S105  # of a part
REJECT: Final = "reject"
_STOP: Final = "stop"


@dataclass(frozen=True)
class Judgement:
    """What came of a picture."""

    cause: str  #: "verdict"; "refused", the picture's own fault; "silent" or "slow", the server's
    verdict: Verdict | None = None
    error: SnagError | None = None


@dataclass(frozen=True)
class Decision:
    """What becomes of the part, and what that rests on."""

    decision: str
    cause: str


def decide(judgement: Judgement, fail_safe: FailSafeTable, doubt: str | None) -> Decision | None:
    """None: the line stops, and asks again. A part whose picture is refused is never passed: nobody has seen it.

    `doubt`: "drifting", or "unwatched" where nobody knows whether it does; None where it does not.
    """
    if judgement.verdict is None:
        if judgement.cause == "refused":
            return Decision(REJECT, "refused")
        action = getattr(fail_safe, judgement.cause)
        return None if action == _STOP else Decision(action, judgement.cause)
    if doubt is not None and fail_safe.drifting != PASS:
        return None if fail_safe.drifting == _STOP else Decision(REJECT, doubt)
    return Decision(REJECT if judgement.verdict.is_anomaly else PASS, "verdict")
