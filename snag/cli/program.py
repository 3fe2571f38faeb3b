"""What the user typed to start this command, and what there is to type next: for usage lines and for errors."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

import snag

_STARTED_AS: Final[ContextVar[str | None]] = ContextVar("started_as", default=None)
#: Verbs of make whose name in `snag <verb>` is another.
_OTHER_NAMES: Final = {"data": "sample"}


def program() -> str:
    """The command as it was typed, without its flags: `snag train`, `python -m snag train`, `python -m snag.training.train`."""
    told = _STARTED_AS.get()
    if told is not None:
        return told
    specification = getattr(sys.modules["__main__"], "__spec__", None)
    return f"python -m {specification.name.removesuffix('.__main__')}" if specification else Path(sys.argv[0]).name


@contextmanager
def started_as(name: str) -> Iterator[None]:
    """While it lasts, `program` is `name`."""
    token = _STARTED_AS.set(name)
    try:
        yield
    finally:
        _STARTED_AS.reset(token)


def as_typed(sentence: str) -> str:
    """The sentence for where Snag is installed without its Makefile: `make calibrate archive` is two verbs of `snag` there.

    A variable becomes the flag of the same name: `make serve SPOOL=1000`, `snag serve --spool 1000`.
    """
    if (Path(snag.__file__).parents[1] / "Makefile").exists():
        return sentence
    return re.sub(r"`make ([a-z-]+(?: [a-z-]+)*)((?: [A-Z_]+=[^`\s]+)*)`", _verbs, sentence)


def _verbs(command: re.Match[str]) -> str:
    flags = "".join(
        f" --{name.lower().replace('_', '-')} {value}" for name, value in re.findall(r"([A-Z_]+)=(\S+)", command[2])
    )
    return " and ".join(f"`snag {_OTHER_NAMES.get(verb, verb)}{flags}`" for verb in command[1].split())
