"""errors.md: every error that Snag raises on purpose, from its classes."""

from __future__ import annotations

from typing import Final

from reference.markdown import code, page, prose, table
from snag.core import errors
from snag.core.errors import ServiceError, SnagError, StageError, gate_errors, request_errors
from snag.gate.openapi.errors import example, sentence

_ANSWERED: Final = (
    '## Answers of the server\n\nThe body is `{"error": {"code": ..., "message": ...}}`.\n'
    "The code stays as it is, the message is for people.\n"
    "What stands in angle brackets depends on the request.\n"
    "The client raises the class of the same code.\n"
    "After an answer with `Retry-After` the same request may succeed so many seconds later."
)
_PRINTED: Final = (
    "## Commands\n\nA command that can't do its work prints `error:` and the message on one line, and ends with exit code 2.\n"
    "In Python the class is raised."
)


def error_table() -> str:
    """The page."""
    answered = table(
        ["code", "status", "when", "message", "class"], [_answered(one) for one in (*request_errors(), *gate_errors())]
    )
    stages = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, StageError)]
    printed = table(
        ["code", "when", "message", "class"],
        [
            [code(one.code), prose(sentence(one)), code(str(example(one))), code(one.__name__)]
            for one in stages
            if one is not StageError
        ],
    )
    lead = "Every error has a class in `snag.core.errors`, a code for programs, and a message that says what was expected."
    return page("Errors", lead, _ANSWERED, answered, _PRINTED, printed)


def _answered(error: type[SnagError]) -> list[str]:
    retry = f", `Retry-After: {error.retry_after}`" if issubclass(error, ServiceError) else ""
    status = f"{error.status}{retry}"
    return [code(error.code), status, prose(sentence(error)), code(str(example(error))), code(error.__name__)]
