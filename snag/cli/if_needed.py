"""`snag if-needed <verb>`: runs train, calibrate, evaluate or archive only where its result is missing or not of this run."""

from __future__ import annotations

import argparse
import sys
from typing import Final, NoReturn

from snag.cli.main import main as snag
from snag.cli.program import program
from snag.cli.stage import STAGES, is_needed
from snag.core.errors import BadConfig

#: What a verb is told besides: that a finished model stays, whatever made it, and what differs is said.
MORE: Final = {"train": ("--keep-finished",)}


class OneLineParser(argparse.ArgumentParser):
    """Takes a verb, and its flags as they are."""

    def error(self, message: str) -> NoReturn:
        """Raise BadConfig, in place of pages of usage."""
        raise BadConfig(detail=f"{message}; `{self.prog} --help` says what there is")


def main(argv: list[str] | None = None) -> int:
    """Entry point of `snag if-needed`; the exit code of the verb, 0 where it need not be run."""
    parser = OneLineParser(
        prog=program(),
        description="Run a verb with its flags only where its result is missing or not of this run; make does so with what a "
        "verb depends on. A finished model that other settings or pictures made is kept, and what differs is said.",
    )
    parser.add_argument("verb", choices=STAGES)
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="those of the verb; where its result lies must be among them")
    try:
        asked = parser.parse_args(sys.argv[1:] if argv is None else argv)
        needed = is_needed(asked.verb, asked.flags)
    except BadConfig as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return snag([asked.verb, *asked.flags, *MORE.get(asked.verb, ())]) if needed else 0
